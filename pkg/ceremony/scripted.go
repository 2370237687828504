package ceremony

// What a key of a script is to a boundary, in a ceremony and in its rehearsal alike.

import (
	"poskey/pkg/ceremony/script"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
)

// AttributesOf are those of a key of the script, with the defaults of what it leaves open.
func AttributesOf(k *script.Key) hsm.Attributes {
	return hsm.Attributes{Algorithm: k.Algorithm, Usage: k.Usage, Mode: k.Mode, Exportability: k.Exportability}.Defaults()
}

// SpecOf says how a key of the script is cut: as many HSMs demand, components of DES keys have odd parity.
func SpecOf(k *script.Key) component.Spec {
	spec := component.Spec{Scheme: component.Scheme(k.Scheme), Parts: len(k.Parts), Threshold: k.Threshold}
	if spec.Scheme == component.XOR {
		spec.Threshold, spec.OddParity = spec.Parts, k.Algorithm.IsDES()
	}
	return spec
}
