"""Everything that is fuzzed, by name."""

from collections.abc import Mapping

from fuzz import bundle_inputs, image_inputs, line_inputs, network_inputs
from fuzz.target import Target

TARGETS: Mapping[str, Target] = {
    target.name: target
    for inputs in (bundle_inputs, line_inputs, image_inputs, network_inputs)
    for target in inputs.TARGETS
}
