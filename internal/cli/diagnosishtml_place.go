package cli

// Where on a chain a finding sits: first by its evidence, then by its cause.

import (
	"slices"

	"poskey/pkg/diagnose"
)

// placesOf gives the links that a finding speaks of: one, or several components. There is always one.
func placesOf(f *diagnose.Finding, all []keyChain) []*chainLink {
	looks := []func(*diagnose.Finding, []keyChain) []*chainLink{byKey, bySlot, byEdits, byParts, byLayout, byCause}
	for _, look := range looks {
		if found := look(f, all); len(found) > 0 {
			return found
		}
	}
	return []*chainLink{all[0].root}
}

// links lists those that fit.
func links(all []keyChain, fits func(*chainLink) bool) []*chainLink {
	var out []*chainLink
	for _, c := range all {
		c.root.each(func(l *chainLink) {
			if fits(l) {
				out = append(out, l)
			}
		})
	}
	return out
}

func firstOf(found []*chainLink) []*chainLink { return found[:min(1, len(found))] }

func byKey(f *diagnose.Finding, all []keyChain) []*chainLink {
	if f.Evidence.Key == "" {
		return nil
	}
	return firstOf(links(all, func(l *chainLink) bool { return l.name == f.Evidence.Key }))
}

func bySlot(f *diagnose.Finding, all []keyChain) []*chainLink {
	if f.Evidence.Slot == "" {
		return nil
	}
	return firstOf(links(all, func(l *chainLink) bool { return l.slot == f.Evidence.Slot }))
}

// byEdits finds the pieces that hold the wrong digits.
func byEdits(f *diagnose.Finding, all []keyChain) []*chainLink {
	var out []*chainLink
	for _, e := range f.Evidence.Edits {
		for _, l := range firstOf(links(all, func(l *chainLink) bool { return holdsPiece(l, e) })) {
			if !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	}
	return out
}

func holdsPiece(l *chainLink, e diagnose.Edit) bool {
	switch e.Of {
	case diagnose.PieceKey:
		return l.role == roleKey || l.role == roleBDK
	case diagnose.PiecePart:
		return l.role == rolePart && l.part == e.Part
	case diagnose.PieceCryptogram:
		return l.role == roleCryptogram
	case diagnose.PieceKEK:
		return l.role == roleKEK
	case diagnose.PieceValue:
		return l.role == roleCheck
	case diagnose.PieceBlock:
		return l.role == roleBlock
	}
	return false
}

func byParts(f *diagnose.Finding, all []keyChain) []*chainLink {
	return links(all, func(l *chainLink) bool { return l.role == rolePart && slices.Contains(f.Evidence.Parts, l.part) })
}

func byLayout(f *diagnose.Finding, all []keyChain) []*chainLink {
	if f.Evidence.Layout == "" {
		return nil
	}
	return firstOf(links(all, func(l *chainLink) bool { return l.role == roleField62 }))
}

// byCause takes the first role of the cause that a chain has.
func byCause(f *diagnose.Finding, all []keyChain) []*chainLink {
	for _, p := range seatsFor(f.Cause) {
		fits := func(l *chainLink) bool { return l.role == p.role && (p.name == "" || p.name == l.name) }
		found := links(all, fits)
		if len(found) == 0 {
			continue
		}
		if p.every {
			return found
		}
		return firstOf(found)
	}
	return nil
}

// seat is a place that a cause can have.
type seat struct {
	role chainRole
	name string // of a working key; "" any
	// every: all links that fit, not the first alone
	every bool
}

// seatsFor lists where a cause sits, the most fitting place first. Chains have some of these places each.
func seatsFor(c diagnose.Cause) []seat {
	for _, group := range seating() {
		if slices.Contains(group.causes, c) {
			return group.seats
		}
	}
	return nil
}

type seatedCauses struct {
	causes []diagnose.Cause
	seats  []seat
}

func seating() []seatedCauses {
	at := func(all ...chainRole) []seat {
		var out []seat
		for _, r := range all {
			out = append(out, seat{role: r})
		}
		return out
	}
	mak := seat{role: roleWorking, name: "MAK"}
	return []seatedCauses{
		{[]diagnose.Cause{diagnose.CauseKCVLength, diagnose.CauseKCVMethod, diagnose.CauseKCVCheckMode,
			diagnose.CauseKCVWrongData},
			at(roleCheck, roleSlot, roleInside, roleWorking, roleTMK)},
		{[]diagnose.Cause{diagnose.CauseMistypedDigit, diagnose.CauseParityBitTypo},
			at(rolePart, roleKey, roleBlock, roleSlot, roleTMK, roleTransport)},
		{[]diagnose.Cause{diagnose.CauseComponentCount, diagnose.CauseComponentAsKey, diagnose.CauseConcatenated},
			at(roleKey, roleSlot, roleTMK, roleTransport)},
		{[]diagnose.Cause{diagnose.CauseHalvesSwapped, diagnose.CauseLengthClass},
			at(roleKey, roleField62, roleBlock, roleSlot, roleTMK)},
		{[]diagnose.Cause{diagnose.CauseTMKSingleDES}, at(roleKEK, roleTMK, roleSlot, roleKey)},
		{[]diagnose.Cause{diagnose.CauseECBCBC, diagnose.CauseDoubleUnwrap, diagnose.CauseWrongDirection,
			diagnose.CauseCipherFamily},
			at(roleKey, roleField62, roleBlock, roleSlot, roleWorking, roleTMK)},
		{[]diagnose.Cause{diagnose.CauseMAKSlot16, diagnose.CauseMAKNoPadding, diagnose.CauseMAKNeedsDoubling},
			append([]seat{mak}, at(roleKey, roleSlot, roleField62)...)},
		{[]diagnose.Cause{diagnose.CauseField62Layout, diagnose.CauseKEKSentWithKey},
			at(roleField62, roleWorking, roleTransport, roleKEK, roleKey, roleSlot)},
		{[]diagnose.Cause{diagnose.CauseWrongTMK}, at(roleTMK, roleKEK, roleTransport, roleSlot, roleKey)},
		{[]diagnose.Cause{diagnose.CauseWrongTransportKey, diagnose.CauseSchemeVariant, diagnose.CauseZMKLengthSetting,
			diagnose.CauseFixedTransportKey, diagnose.CauseWeakProtector},
			at(roleTransport, roleKEK, roleTMK, roleSlot, roleKey)},
		{[]diagnose.Cause{diagnose.CauseIPEKBDK}, at(roleInitial, roleKey, roleBDK, roleInside, roleSlot, roleDevice)},
		{[]diagnose.Cause{diagnose.CauseKSNMismatch}, at(roleKSN, roleInitial, roleBDK, roleInside, roleSlot, roleKey, roleDevice)},
		{[]diagnose.Cause{diagnose.CauseParityRejected, diagnose.CauseWeakKey, diagnose.CauseSourceLevel,
			diagnose.CauseDuplicateValue, diagnose.CauseDuplicateKCVFleet, diagnose.CauseKeyExposed},
			at(roleInside, roleKey, roleSlot, roleTMK, roleDevice)},
		{[]diagnose.Cause{diagnose.CauseMACRule}, append(at(roleMAC), append([]seat{mak}, at(roleDevice, roleKey)...)...)},
		{[]diagnose.Cause{diagnose.CausePINBlock}, append([]seat{{role: roleWorking, name: "PIK"}}, at(roleDevice, roleKey)...)},
		{[]diagnose.Cause{diagnose.CauseKeysRolled}, append([]seat{{role: roleWorking, every: true}}, at(roleDevice, roleKey)...)},
		{[]diagnose.Cause{diagnose.CauseWrongBinding, diagnose.CauseProcedure}, at(roleHost, roleTransport, roleKey)},
		{[]diagnose.Cause{diagnose.CauseLinkFault}, at(roleLine, roleField62, roleDevice, roleBlock, roleKey)},
		{[]diagnose.Cause{diagnose.CauseEmptySlot, diagnose.CauseWrongSlot, diagnose.CauseStorageCorrupt,
			diagnose.CauseKeyExpired},
			at(roleSlot, roleDevice, roleKey, roleTMK)},
		{[]diagnose.Cause{diagnose.CauseTamper, diagnose.CausePinpadPort, diagnose.CauseKeyService,
			diagnose.CauseInjectorClock, diagnose.CauseFirmwareOld, diagnose.CausePowerLoss, diagnose.CauseEnvironment},
			at(roleDevice, roleBlock, roleTMK, roleKey)},
	}
}
