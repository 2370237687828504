package cli

// The chain of a sign-in for the drawing of a diagnosis, and that of every terminal, for a case that is words alone.

import (
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/unionpay"
)

// signInChain is transport key, master keys, field 62, working keys.
func signInChain(in *diagnose.SignIn, r *diagnose.Report) *chainLink {
	top := &chainLink{role: roleTransport, state: linkUnseen, title: text.New("transport key (ZMK)"),
		lines: []text.Text{text.New("brought the master key; not looked at")}}
	field := &chainLink{role: roleField62, state: linkUnseen, title: text.New("field 62, %d bytes", len(in.Field62))}
	if in.Code != "" {
		field.lines = append(field.lines, text.New("field 60.3: %s", in.Code))
	}
	right, under := 0, ""
	for _, k := range r.Keys {
		if k.Match {
			right, under = right+1, k.TMK
		}
	}
	if len(r.Keys) > 0 {
		field.lines = append(field.lines, text.New("layout %s", r.Keys[0].Layout))
	}
	if right > 0 {
		field.state = linkHolds
	}
	for _, k := range r.Keys {
		field.under = append(field.under, workingLink(k, in))
	}
	hung := false
	for i, name := range in.TMKs {
		if i >= mostCandidates && name != under {
			continue
		}
		tmk := newLink(roleTMK, linkUnseen, text.New("terminal master key (TMK)"), text.Raw(name))
		switch {
		case right > 0 && name == under && !hung:
			tmk.state = linkHolds
			tmk.lines = append(tmk.lines, text.New("keys that open under it: %d of %d", right, len(r.Keys)))
		case right > 0 && !hung || right == 0 && len(r.Keys) > 0:
			tmk.state = linkBreaks
			tmk.lines = append(tmk.lines, text.New("no key of field 62 opens under it"))
		}
		if !hung && (name == under || under == "") {
			tmk.under, hung = append(tmk.under, field), true
		}
		top.under = append(top.under, tmk)
	}
	return top
}

// workingLink is a working key of field 62, with the MAC that is made with it.
func workingLink(k diagnose.KeyResult, in *diagnose.SignIn) *chainLink {
	l := &chainLink{role: roleWorking, name: string(k.Key), state: linkBreaks, title: workingTitle(k.Key),
		lines: []text.Text{text.Raw(string(k.Alg))}, values: []namedValue{{text.New("in field 62"), k.Check}}}
	if k.Computed != "" && !strings.EqualFold(k.Computed, k.Check) {
		l.values = append(l.values, namedValue{text.New("computed"), k.Computed})
	}
	if k.Shown != "" {
		l.values = append(l.values, namedValue{text.New("terminal shows"), k.Shown})
	}
	if k.Match && (k.Shown == "" || strings.EqualFold(k.Shown, k.Check)) {
		l.state = linkHolds
	}
	if k.Key == unionpay.MAK && len(in.MAC) > 0 {
		l.under = append(l.under, &chainLink{role: roleMAC, state: linkUnseen, title: text.New("MAC of the captured message"),
			lines: []text.Text{text.New("field 64")}})
	}
	return l
}

func workingTitle(k unionpay.KeyName) text.Text {
	switch k {
	case unionpay.PIK:
		return text.New("PIN key (PIK)")
	case unionpay.MAK:
		return text.New("MAC key (MAK)")
	case unionpay.TDK:
		return text.New("track data key (TDK)")
	}
	return text.New("working key")
}

// generalChain is what every terminal has, for a case that is words alone.
func generalChain(r *diagnose.Report) *chainLink {
	l := func(of chainRole, name string, title text.Text) *chainLink {
		return &chainLink{role: of, name: name, title: title, state: linkUnseen}
	}
	device := l(roleDevice, "", text.New("terminal"))
	top := l(roleHost, "", text.New("host: HSM with its master key (LMK)"))
	if aboutDUKPT(r) {
		return above(top, l(roleBDK, "", text.New("base derivation key (BDK)")),
			l(roleInitial, "", text.New("initial key of the device (IK)")), device)
	}
	tmk := l(roleTMK, "", text.New("terminal master key (TMK)"))
	for _, k := range []unionpay.KeyName{unionpay.PIK, unionpay.MAK, unionpay.TDK} {
		tmk.under = append(tmk.under, l(roleWorking, string(k), workingTitle(k)))
	}
	return above(top, l(roleTransport, "", text.New("transport key (ZMK)")), device, tmk)
}

func aboutDUKPT(r *diagnose.Report) bool {
	if len(r.Findings) == 0 {
		return false
	}
	return slices.Contains([]diagnose.Cause{diagnose.CauseIPEKBDK, diagnose.CauseKSNMismatch}, r.Findings[0].Cause)
}
