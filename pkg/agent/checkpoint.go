package agent

import (
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

// checkpoint lets officers who are present sign the audit log.
func checkpoint(log *audit.Log, who audit.Actor, present []*custody.Identity) ([]byte, error) {
	return log.Checkpoint(who, each(present, (*custody.Identity).NoteSigner)...)
}

func each[A, B any](all []A, f func(A) B) []B {
	out := make([]B, len(all))
	for i, a := range all {
		out[i] = f(a)
	}
	return out
}
