"""Image files: whether they hold one whole picture, and that picture as an array.

This is the door of the room: other rooms import from here.
"""

from slsg_edge.images.header import Header as Header
from slsg_edge.images.limit import LARGEST_VARIABLE as LARGEST_VARIABLE
from slsg_edge.images.limit import most_pixels as most_pixels
from slsg_edge.images.quiet import quiet_ffmpeg as quiet_ffmpeg
from slsg_edge.images.quiet import quiet_opencv as quiet_opencv
from slsg_edge.images.reading import HEAT_SUFFIX as HEAT_SUFFIX
from slsg_edge.images.reading import SUFFIXES as SUFFIXES
from slsg_edge.images.reading import ImageError as ImageError
from slsg_edge.images.reading import decode_as_stored as decode_as_stored
from slsg_edge.images.reading import eight_bit as eight_bit
from slsg_edge.images.reading import encode_image as encode_image
from slsg_edge.images.reading import image_content as image_content
from slsg_edge.images.reading import image_from as image_from
from slsg_edge.images.reading import is_image as is_image
from slsg_edge.images.reading import peak_of as peak_of
from slsg_edge.images.reading import read_image as read_image
from slsg_edge.images.usual import Look as Look
from slsg_edge.images.usual import UsualFrames as UsualFrames
from slsg_edge.images.usual import few_pixels as few_pixels
from slsg_edge.images.usual import look_of as look_of
from slsg_edge.images.usual import usual_frames as usual_frames
from slsg_edge.images.whole import check_whole as check_whole
from slsg_edge.images.whole import header_of as header_of
