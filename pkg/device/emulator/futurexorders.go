package emulator

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

// obey carries a command out.
func (s *futurexLine) obey(command string, data []byte) error {
	want := map[string]int{table.ReadSerial: 2, table.WriteSerial: 2 + table.SerialLen, table.DeleteAll: 2,
		table.DeleteKey: 2 + table.SlotDigits + 2}
	n, fixed := want[command]
	switch {
	case command == table.Inject:
		return s.inject(data)
	case !fixed:
		return s.refuse(command, "", table.UnknownCommand, RefusedForm)
	case len(data) != n:
		return s.refuse(command, "", table.Length, RefusedForm)
	case !allDigits(data[:2]):
		return s.refuse(command, "", table.Characters, RefusedForm)
	case string(data[:2]) != table.Version:
		return s.refuse(command, "", table.CommandVersion, RefusedForm)
	}
	switch command {
	case table.ReadSerial:
		return s.tellSerial()
	case table.WriteSerial:
		return s.setSerial(data[2:])
	case table.DeleteAll:
		return s.deleteAll()
	}
	return s.deleteKey(data[2:4], string(data[4:6]))
}

func allDigits(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < '0' || c > '9' })
}

func allHex(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return (c < '0' || c > '9') && (c < 'A' || c > 'F') })
}

// tellSerial: blanks fill a short number up, zeros stand for none.
func (s *futurexLine) tellSerial() error { return s.say(table.ReadSerial + table.Done + s.serial()) }

func (s *futurexLine) serial() string {
	serial := s.t.Serial()
	if serial == "" {
		return strings.Repeat("0", table.SerialLen)
	}
	return (serial + strings.Repeat(" ", table.SerialLen))[:table.SerialLen]
}

func (s *futurexLine) setSerial(serial []byte) error {
	if !alnum(serial) {
		return s.refuse(table.WriteSerial, "", table.Characters, RefusedForm)
	}
	if why := s.t.SetSerial(string(serial)); why != Accepted {
		return s.refuse(table.WriteSerial, "", futurexCode(why), why)
	}
	return s.carriedOut(table.WriteSerial)
}

// carriedOut answers what changed something, unless power or the line fails first.
func (s *futurexLine) carriedOut(command string) error {
	return s.conclude(futurexReply(command, table.Done))
}

func (s *futurexLine) conclude(answer string) error {
	if err := s.w.Stored(); err != nil {
		return err
	}
	if s.w.Misbehaves(DisconnectAfterCommit) {
		s.w.Cut()
		return ErrCut
	}
	if s.w.Misbehaves(LostACK) {
		return nil
	}
	return s.say(answer)
}

// mayDelete: whoever reaches the line could delete keys otherwise.
func (s *futurexLine) mayDelete() Refusal {
	if why := s.t.Ready(); why != Accepted {
		return why
	}
	if !s.t.InInjectMode() {
		return RefusedNotInject
	}
	return Accepted
}

func (s *futurexLine) deleteAll() error {
	why := s.mayDelete()
	if why == Accepted {
		why = s.t.EraseAll()
	}
	if why != Accepted {
		return s.refuse(table.DeleteAll, "", futurexCode(why), why)
	}
	return s.carriedOut(table.DeleteAll)
}

func (s *futurexLine) deleteKey(digits []byte, typ string) error {
	slot, ok := s.slotOf(digits)
	why := s.mayDelete()
	switch {
	case !ok:
		return s.refuse(table.DeleteKey, "", table.Characters, RefusedForm)
	case why != Accepted:
		return s.refuse(table.DeleteKey, slot, futurexCode(why), why)
	case !slices.Contains(table.TypeCodes(), typ):
		return s.refuse(table.DeleteKey, slot, table.TypeWrong, RefusedUsage)
	}
	why = RefusedEmpty
	if s.isOfType(slot, typ) {
		why = s.t.Erase(slot)
	}
	if why != Accepted {
		return s.refuse(table.DeleteKey, slot, futurexCode(why), why)
	}
	return s.carriedOut(table.DeleteKey)
}

// isOfType tells whether the key in a slot came under a type, or could have: 01 and 0F are the same, 02 and 03 too.
func (s *futurexLine) isOfType(slot device.Slot, typ string) bool {
	state := s.t.State(slot)
	if !state.Loaded {
		return false
	}
	for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.AES128} {
		usage, mode, ok := futurexUse(typ, alg)
		if ok && alg.IsAES() == (state.Algorithm == 'A') && usage == state.Usage && mode == state.Mode {
			return true
		}
	}
	return false
}

// slotOf reads two digits as this terminal does.
func (s *futurexLine) slotOf(digits []byte) (device.Slot, bool) {
	base := 10
	if s.hex {
		base = 16
	}
	n, err := strconv.ParseUint(string(digits), base, 8)
	if err != nil || !allHex(digits) {
		return "", false
	}
	return futurexSlot(int(n)), true
}

// futurexKey is an inject command taken apart, by the positions of the table.
type futurexKey struct {
	slot, ktk      device.Slot
	typ, enc       string
	alg, sub       string
	check, ktkSays string
	ksn            string
	length         int
	digits         []byte // of the key; they stay the frame's
}

// Lengths in the data behind the command.
const (
	futurexHead   = 2 + 2 + 2 + 2 + 2 + 4 + 4 + 20 + 3
	futurexFields = 2 + 2
	futurexCount  = 3 + 3
)

// take reads an inject command. The code says what is wrong with its form.
func (s *futurexLine) take(data []byte) (k futurexKey, code string) {
	head := futurexHead
	if s.fields {
		head += futurexFields
	}
	if len(data) < head {
		return k, table.Length
	}
	if !allHex(data) {
		return k, table.Characters
	}
	n, err := strconv.ParseUint(string(data[head-3:head]), 16, 12)
	rest := data[head:]
	counted := s.fields && len(rest) == 2*int(n)+futurexCount
	if err != nil || len(rest) != 2*int(n) && !counted {
		return k, table.Length
	}
	if counted && !allDigits(rest[2*n:]) {
		return k, table.Characters
	}
	if string(data[:2]) != table.Version {
		return k, table.CommandVersion
	}
	var numbered, under bool
	k.slot, numbered = s.slotOf(data[2:4])
	k.ktk, under = s.slotOf(data[4:6])
	if !numbered || !under {
		return k, table.Characters
	}
	k.typ, k.enc = string(data[6:8]), string(data[8:10])
	if s.fields {
		k.alg, k.sub = string(data[10:12]), string(data[12:14])
	}
	fixed := data[head-31 : head-3]
	k.check, k.ktkSays, k.ksn = string(fixed[:4]), string(fixed[4:8]), string(fixed[8:])
	k.length, k.digits = int(n), rest[:2*n]
	return k, ""
}

// inject answers command 02.
func (s *futurexLine) inject(data []byte) error {
	k, code := s.take(data)
	if code != "" {
		return s.refuse(table.Inject, "", code, RefusedForm)
	}
	if why := s.t.Ready(); why != Accepted {
		return s.refuse(table.Inject, k.slot, futurexCode(why), why)
	}
	o, code := s.judge(k)
	if code != "" {
		return s.refuse(table.Inject, k.slot, code, RefusedForm)
	}
	why := s.fill(&o, k)
	defer secret.Wipe(o.Cryptogram)
	var pending *Pending
	if why == Accepted {
		pending, why = s.t.Offer(o)
	}
	defer pending.Drop()
	if why == Accepted && s.w.Misbehaves(DisconnectBeforeEcho) {
		s.w.Cut()
		return ErrCut
	}
	var stored Loaded
	if why == Accepted {
		stored, why = pending.Commit()
	}
	if why == RefusedOccupied && strings.HasPrefix(s.t.State(k.slot).Check.Digits, k.check) {
		why = RefusedDuplicate
	}
	if why != Accepted {
		return s.refuse(table.Inject, k.slot, futurexCode(why), why)
	}
	if k.typ == table.KTK && k.enc == table.Clear {
		s.lastKTK = k.slot
	}
	return s.conclude(s.stored(k, stored))
}

// judge holds the fields against what there is. The code says which is wrong.
func (s *futurexLine) judge(k futurexKey) (o Offer, code string) {
	switch {
	case !s.known(k.slot):
		return o, table.SlotWrong
	case k.enc != table.Clear && !s.known(k.ktk):
		return o, table.KTKSlotWrong
	case !slices.Contains(table.TypeCodes(), k.typ):
		return o, table.TypeWrong
	case k.enc != table.Clear && k.enc != table.UnderKTK && (k.enc != table.KTKInClear || !s.fields):
		return o, table.EncWrong
	}
	alg, code := s.algorithm(k)
	if code != "" {
		return o, code
	}
	usage, mode, ok := futurexUse(k.typ, alg)
	if !ok {
		return o, table.AlgorithmWrong
	}
	o = Offer{Slot: k.slot, Algorithm: alg, Usage: usage, Mode: mode, Check: k.check, WantEmpty: true}
	if usage != keys.UsageIK {
		return o, ""
	}
	ksn, err := dukpt.ParseKSN(k.ksn)
	if err != nil || k.ksn == table.NoKSN || ksn.Counter() != 0 || ksn.Scheme() != dukpt.TDES || alg.IsAES() {
		return o, table.KSNWrong
	}
	o.Initial, o.KSN = true, ksn
	return o, ""
}

// algorithm goes by the field for it, or by type and length.
func (s *futurexLine) algorithm(k futurexKey) (alg keys.Algorithm, code string) {
	if !s.fields {
		alg = keys.TDES128.ForLength(k.length)
		if k.typ == table.AESInitial || k.typ == table.AESBase {
			alg = keys.AES128.ForLength(k.length)
		}
		if alg == keys.Raw {
			return "", table.KeyLength
		}
		return alg, ""
	}
	for a, c := range table.AlgorithmCodes() {
		if c == k.alg {
			alg = a
		}
	}
	switch {
	case alg == "":
		return "", table.AlgorithmWrong
	case k.sub != table.SubGeneric && k.sub != table.SubtypeOf(k.typ):
		return "", table.UsageWrong
	case alg.KeyLen() != k.length:
		return "", table.KeyLength
	}
	return alg, ""
}

// fill puts the key itself into the offer.
func (s *futurexLine) fill(o *Offer, k futurexKey) Refusal {
	if s.echoes() {
		o.Check = "" // it never looks
	}
	sec, ok := readHex(k.digits)
	if !ok {
		return RefusedForm
	}
	if k.enc == table.Clear {
		key, err := keys.New(o.Algorithm, sec)
		if err != nil {
			sec.Wipe()
			return RefusedLength
		}
		o.Clear = key
		return Accepted
	}
	o.Cryptogram = slices.Clone(sec.Expose())
	sec.Wipe()
	o.KEK, o.KEKCheck = k.ktk, k.ktkSays
	if k.enc == table.KTKInClear && s.lastKTK != k.ktk {
		return RefusedNoKEK
	}
	if s.t.State(k.ktk).Loaded && !s.isOfType(k.ktk, table.KTK) {
		return RefusedKEKUsage
	}
	return Accepted
}

// echoes reports whether check values are sent back as they came.
func (s *futurexLine) echoes() bool {
	order, on := s.w.Ordered(KCVMethod)
	name, _, _ := strings.Cut(order, "/")
	return on && name == kcvEcho
}

// stored is the answer with the check value of what was stored, computed here.
func (s *futurexLine) stored(k futurexKey, l Loaded) string {
	check := (l.State.Check.Digits + table.NoCheck)[:table.CheckDigits]
	if s.echoes() {
		s.w.Misbehaves(KCVMethod)
		check = k.check
	}
	if s.w.Misbehaves(WrongEcho) {
		check = string(otherDigit(check[0])) + check[1:]
	}
	answer := table.Inject + table.Done + check
	if s.fields {
		answer += s.serial() + futurexModel(s.t.Status().Model)
	}
	return answer
}

// futurexModel keeps what can stand in a frame.
func futurexModel(model string) string {
	model = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, model)
	return model[:min(len(model), 32)]
}
