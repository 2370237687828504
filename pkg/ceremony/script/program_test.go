package script

import (
	"fmt"
	"slices"
	"testing"

	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

func TestWhatIsInTheWrongPlaceIsNamedWithWhatIsMissing(t *testing.T) {
	step := func(v Verb, key string, part int) Step {
		return Step{Do: v, Key: key, Part: part, Method: "x", Text: "x"}
	}
	for name, c := range map[string]struct {
		kind Kind
		prod bool
		edit func(t *testing.T, s *Script)
		says []string
	}{
		"no attend":        {kind: TMK, edit: func(t *testing.T, s *Script) { s.drop(t, Attend, 0) }, says: []string{"step 1 (declare)", "attend"}},
		"attend later":     {kind: TMK, edit: func(t *testing.T, s *Script) { s.move(t, Attend, 0, Inspect, 0) }, says: []string{"step 1 (declare)"}},
		"attend twice":     {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(Attend, "", 0), Inspect, 0) }, says: []string{"step 3 (attend)"}},
		"no declare":       {kind: TMK, prod: true, edit: func(t *testing.T, s *Script) { s.drop(t, Declare, 0) }, says: []string{"step 2 (inspect)", "declare"}},
		"declare later":    {kind: TMK, edit: func(t *testing.T, s *Script) { s.move(t, Declare, 0, MakeKey, 0) }, says: []string{"(declare)", "second"}},
		"no close":         {kind: TMK, edit: func(t *testing.T, s *Script) { s.drop(t, Close, 0) }, says: []string{"end", "close"}},
		"close earlier":    {kind: TMK, edit: func(t *testing.T, s *Script) { s.move(t, Close, 0, KeepKey, 0) }, says: []string{"(keep)", "after the step close"}},
		"no steps":         {kind: TMK, edit: func(t *testing.T, s *Script) { s.Kind, s.Steps = Custom, nil }, says: []string{"end", "close"}},
		"kind without it":  {kind: ZMKExchange, edit: func(t *testing.T, s *Script) { s.Steps = s.Steps[:3] }, says: []string{"zmk-exchange", "generate"}},
		"kind of a source": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.Keys[0].Source = Stored }, says: []string{"zmk-receive", "components"}},

		"generate missing":                {kind: ZMKExchange, edit: func(t *testing.T, s *Script) { s.Kind = Custom; s.drop(t, MakeKey, 0) }, says: []string{"(print)", "generate"}},
		"generate twice":                  {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(MakeKey, "TMK", 0), PrintPart, 1) }, says: []string{"(generate)", "made in step"}},
		"generate of a key of the store":  {kind: Reissue, edit: func(t *testing.T, s *Script) { s.put(t, step(MakeKey, "ZMK", 0), Close, 0) }, says: []string{"(generate)", "source store"}},
		"print before the key":            {kind: TMK, edit: func(t *testing.T, s *Script) { s.move(t, PrintPart, 1, MakeKey, 0) }, says: []string{"(print)", "generate is missing before"}},
		"print twice":                     {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(PrintPart, "TMK", 1), KeepKey, 0) }, says: []string{"(print)", "already"}},
		"print while another lies open":   {kind: TMK, edit: func(t *testing.T, s *Script) { s.move(t, PrintPart, 2, SealPart, 1) }, says: []string{"(print)", "part 1 of TMK lies open", "seal"}},
		"print without sheets":            {kind: TMK, edit: func(t *testing.T, s *Script) { s.Keys[0].Outputs = s.Keys[0].Outputs[:1] }, says: []string{"(print)", "sheets"}},
		"a part is never printed":         {kind: TMK, edit: func(t *testing.T, s *Script) { s.drop(t, PrintPart, 3); s.drop(t, SealPart, 3) }, says: []string{"end", "part 3 of TMK is never printed"}},
		"parts without sheets":            {kind: TMK, edit: func(t *testing.T, s *Script) { sheetless(t, s) }, says: []string{"end", "3 parts", "sheets"}},
		"print of a key that is combined": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(PrintPart, "ZMK", 1), Close, 0) }, says: []string{"(print)", "source components"}},

		"seal before print": {kind: TMK, edit: func(t *testing.T, s *Script) { s.move(t, SealPart, 1, PrintPart, 1) }, says: []string{"(seal)", "neither printed nor received"}},
		"seal twice":        {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(SealPart, "TMK", 1), KeepKey, 0) }, says: []string{"(seal)", "already"}},
		"seal missing":      {kind: TMK, edit: func(t *testing.T, s *Script) { s.drop(t, SealPart, 3) }, says: []string{"end", "part 3 of TMK lies open since step"}},
		"seal before form":  {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(SealPart, "ZMK", 1), FormKey, 0) }, says: []string{"(seal)", "form is missing before"}},
		"send before seal": {kind: ZMKExchange, edit: func(t *testing.T, s *Script) {
			s.move(t, SealPart, 3, Close, 0)
			s.drop(t, Pause, 0)
		}, says: []string{"(send)", "seal is missing before"}},
		"send before keep":      {kind: ZMKExchange, edit: func(t *testing.T, s *Script) { s.move(t, SendPart, 1, KeepKey, 0) }, says: []string{"(send)", "keep is missing before"}},
		"send twice":            {kind: ZMKExchange, edit: func(t *testing.T, s *Script) { s.put(t, step(SendPart, "ZMK", 1), Close, 0) }, says: []string{"(send)", "was sent in step"}},
		"destroy after send":    {kind: ZMKExchange, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyPart, "ZMK", 1), Close, 0) }, says: []string{"(destroy-part)", "was sent in step"}},
		"seal after send":       {kind: ZMKExchange, edit: func(t *testing.T, s *Script) { s.put(t, step(SealPart, "ZMK", 1), Close, 0) }, says: []string{"(seal)", "was sent in step"}},
		"receive of a new part": {kind: ZMKExchange, edit: func(t *testing.T, s *Script) { s.put(t, step(ReceivePart, "ZMK", 1), Close, 0) }, says: []string{"(receive)", "source generate"}},

		"enter before receive":     {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.move(t, EnterPart, 1, ReceivePart, 1) }, says: []string{"(enter)", "part 1 of ZMK", "receive is missing before"}},
		"enter without receive":    {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.drop(t, ReceivePart, 2) }, says: []string{"(enter)", "part 2 of ZMK", "receive is missing before"}},
		"enter twice":              {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(EnterPart, "ZMK", 1), FormKey, 0) }, says: []string{"(enter)", "already"}},
		"enter after form":         {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.move(t, EnterPart, 3, KeepKey, 0) }, says: []string{"(form)", "needs 3 parts and 2 were entered"}},
		"enter of shares too late": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.Keys[0].Threshold = 2; s.move(t, EnterPart, 3, KeepKey, 0) }, says: []string{"(enter)", "made in step"}},
		"receive twice":            {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(ReceivePart, "ZMK", 1), FormKey, 0) }, says: []string{"(receive)", "already"}},
		"receive after enter":      {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.Keys[0].Parts[0].Bag = ""; s.move(t, ReceivePart, 1, FormKey, 0) }, says: []string{"(receive)", "is here already"}},
		"received and left lying":  {kind: Reissue, edit: func(t *testing.T, s *Script) { s.Kind = Custom; s.drop(t, SealPart, 1) }, says: []string{"end", "out of its safe"}},

		"enter after the bag was closed again": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(SealPart, "ZMK", 1), EnterPart, 1) }, says: []string{"(enter)", "was sealed in step"}},
		"keep after a share was destroyed": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) {
			s.Keys[0].Scheme, s.Keys[0].Threshold = "shamir", 2
			s.drop(t, EnterPart, 3)
			s.move(t, DestroyPart, 3, FormKey, 0)
			s.drop(t, CompareKey, 0)
		}, says: []string{"(keep)", "could not be formed again"}},
		"destroyed in its safe before scribe": {kind: HSMScribe, edit: func(t *testing.T, s *Script) {
			s.Keys[0].Parts[0].Bag = "B"
			s.put(t, step(DestroyPart, "ZMK", 1), Scribe, 1)
		}, says: []string{"(destroy-part)", "receive is missing before"}},
		"sheets of an HSM destroyed too early": {kind: HSMScribe, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyPart, "ZMK", 1), Scribe, 2) }, says: []string{"(destroy-part)", "scribe is missing before"}},

		"form missing":                {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.Kind = Custom; s.drop(t, FormKey, 0) }, says: []string{"(compare)", "form is missing before"}},
		"form twice":                  {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(FormKey, "ZMK", 0), KeepKey, 0) }, says: []string{"(form)", "made in step"}},
		"form of a key that is drawn": {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(FormKey, "TMK", 0), KeepKey, 0) }, says: []string{"(form)", "source generate"}},
		"compare before form":         {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.move(t, CompareKey, 0, FormKey, 0) }, says: []string{"(compare)", "form is missing before"}},
		"compare after keep":          {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.move(t, CompareKey, 0, DestroyPart, 1) }, says: []string{"(compare)", "too late"}},
		"compare after a part is gone": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) {
			s.Keys[0].Outputs = nil
			s.drop(t, KeepKey, 0)
			s.move(t, CompareKey, 0, DestroyPart, 2)
		}, says: []string{"(compare)", "too late"}},
		"keep without compare":         {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.Keys[0].Check = expected(t, "ABCDEF"); s.drop(t, CompareKey, 0) }, says: []string{"(keep)", "compare is missing before"}},
		"keep before form":             {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.move(t, KeepKey, 0, FormKey, 0) }, says: []string{"(keep)", "form is missing before"}},
		"keep before generate":         {kind: TMK, edit: func(t *testing.T, s *Script) { s.move(t, KeepKey, 0, MakeKey, 0) }, says: []string{"(keep)", "generate is missing before"}},
		"keep twice":                   {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(KeepKey, "TMK", 0), Close, 0) }, says: []string{"(keep)", "already"}},
		"keep missing":                 {kind: TMK, edit: func(t *testing.T, s *Script) { s.Kind = Custom; s.drop(t, KeepKey, 0) }, says: []string{"end", "output 1 (store)"}},
		"made for nothing":             {kind: TMK, edit: func(t *testing.T, s *Script) { nowhere(t, s) }, says: []string{"end", "goes nowhere"}},
		"a part destroyed before keep": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.move(t, DestroyPart, 1, KeepKey, 0) }, says: []string{"(destroy-part)", "output 1"}},
		"a part destroyed before form": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.move(t, DestroyPart, 1, FormKey, 0) }, says: []string{"(destroy-part)", "form is missing before"}},
		"a part destroyed uncompared": {kind: ZMKReceive, edit: func(t *testing.T, s *Script) {
			s.Keys[0].Check = expected(t, "ABCDEF")
			s.Keys[0].Outputs = nil
			s.drop(t, KeepKey, 0)
			s.drop(t, CompareKey, 0)
		}, says: []string{"(destroy-part)", "compare is missing before"}},
		"a part destroyed twice":                  {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyPart, "ZMK", 1), Close, 0) }, says: []string{"(destroy-part)", "was destroyed in step"}},
		"a part destroyed in its safe":            {kind: Destruction, edit: func(t *testing.T, s *Script) { s.drop(t, ReceivePart, 1) }, says: []string{"(destroy-part)", "receive is missing before"}},
		"a part destroyed, not printed":           {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyPart, "TMK", 1), PrintPart, 1) }, says: []string{"(destroy-part)", "print is missing before"}},
		"a part printed and destroyed, then keep": {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyPart, "TMK", 1), KeepKey, 0) }, says: []string{"(destroy-part)", "output 1"}},

		"export before keep": {kind: TMK, edit: func(t *testing.T, s *Script) { block(s); s.put(t, step(ExportKey, "TMK", 0), KeepKey, 0) }, says: []string{"(export)", "keep is missing before"}},
		"export missing":     {kind: TMK, edit: func(t *testing.T, s *Script) { block(s) }, says: []string{"end", "output 3 (block)"}},
		"export twice": {kind: TMK, edit: func(t *testing.T, s *Script) {
			block(s)
			s.put(t, step(ExportKey, "TMK", 0), Close, 0)
			s.put(t, step(ExportKey, "TMK", 0), Close, 0)
		}, says: []string{"(export)", "already"}},
		"load twice":              {kind: Injection, edit: func(t *testing.T, s *Script) { s.put(t, step(LoadKey, "PEK", 0), Close, 0) }, says: []string{"(load)", "already"}},
		"load uncompared":         {kind: Injection, edit: func(t *testing.T, s *Script) { s.Keys[0].Check = expected(t, "ABCDEF") }, says: []string{"(load)", "compare is missing before"}},
		"destroy what was loaded": {kind: Injection, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyKey, "PEK", 0), Close, 0) }, says: []string{"(destroy-key)", "put to use in step"}},
		"load what was destroyed": {kind: Injection, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyKey, "PEK", 0), LoadKey, 0) }, says: []string{"(load)", "destroyed in step"}},
		"destroy twice":           {kind: Destruction, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyKey, "OLD", 0), Close, 0) }, says: []string{"(destroy-key)", "destroyed in step"}},
		"destroy what is new":     {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(DestroyKey, "TMK", 0), Close, 0) }, says: []string{"(destroy-key)", "source generate"}},

		"a key of the HSM without parts": {kind: HSMScribe, edit: func(t *testing.T, s *Script) { s.drop(t, Scribe, 2); s.drop(t, SealPart, 2) }, says: []string{"(scribe)", "needs 3 parts and 2 went"}},
		"a part of the HSM too late":     {kind: HSMScribe, edit: func(t *testing.T, s *Script) { s.Keys[0].Threshold = 2; s.move(t, Scribe, 3, SealPart, 1) }, says: []string{"(scribe)", "made in step"}},
		"a part of the HSM after its bag": {kind: HSMScribe, edit: func(t *testing.T, s *Script) {
			s.Keys[0].Parts[0].Bag = "B"
			s.put(t, step(ReceivePart, "ZMK", 1), Scribe, 2)
			s.move(t, ReceivePart, 1, Scribe, 2)
		}, says: []string{"(scribe)", "receive is missing before"}},
		"scribe of a key that is drawn":     {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(Scribe, "TMK", 0), Close, 0) }, says: []string{"(scribe)", "source generate"}},
		"scribe by another than custodian":  {kind: HSMScribe, edit: func(t *testing.T, s *Script) { s.Steps[s.at(t, Scribe, 1)].By = "leader" }, says: []string{"(scribe)", "custodian"}},
		"compare before the HSM has it":     {kind: HSMScribe, edit: func(t *testing.T, s *Script) { s.put(t, step(CompareKey, "ZMK", 0), Scribe, 1) }, says: []string{"(compare)", "scribe is missing before"}},
		"a store's key twice":               {kind: StoreMaster, edit: func(t *testing.T, s *Script) { s.put(t, step(InitStore, "MASTER", 0), Close, 0) }, says: []string{"(init-store)", "already"}},
		"a store's key by xor":              {kind: StoreMaster, edit: func(t *testing.T, s *Script) { s.Keys[0].Scheme = "xor" }, says: []string{"(init-store)", "shamir"}},
		"a store's key of another length":   {kind: StoreMaster, edit: func(t *testing.T, s *Script) { s.Keys[0].Algorithm = keys.AES128 }, says: []string{"(init-store)", "aes-256"}},
		"a store's key that goes elsewhere": {kind: StoreMaster, edit: func(t *testing.T, s *Script) { s.Keys[0].Outputs = []Output{{To: ToStore, Label: "X"}} }, says: []string{"(init-store)", "outputs"}},
		"two stores": {kind: StoreMaster, edit: func(t *testing.T, s *Script) {
			k := s.Keys[0]
			k.ID = "M2"
			s.Keys = append(s.Keys, k)
			s.put(t, step(InitStore, "M2", 0), Close, 0)
		}, says: []string{"(init-store)", "begun in step"}},

		"pause over an open sheet":     {kind: TMK, edit: func(t *testing.T, s *Script) { s.put(t, step(Pause, "", 0), SealPart, 2) }, says: []string{"(pause)", "part 2 of TMK lies open"}},
		"pause over parts in memory":   {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(Pause, "", 0), EnterPart, 2) }, says: []string{"(pause)", "part 1 of ZMK lies open"}},
		"pause over a bag":             {kind: ZMKReceive, edit: func(t *testing.T, s *Script) { s.put(t, step(Pause, "", 0), ReceivePart, 2) }, says: []string{"(pause)", "out of its safe"}},
		"a key nobody handles":         {kind: TMK, edit: func(t *testing.T, s *Script) { s.Keys = append(s.Keys, Key{ID: "X", Source: Stored, Label: "X"}) }, says: []string{"end", "key X"}},
		"one person does and confirms": {kind: TMK, edit: func(t *testing.T, s *Script) { s.Roles[Operator] = s.Roles[Witness] }, says: []string{"step 3 (inspect)", "two people"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := good(t, c.kind, Wish{})
			if c.prod {
				s = real(t, c.kind)
			}
			c.edit(t, s)
			p, err := s.Program()
			if p != nil {
				t.Fatal("a program")
			}
			wantMalformed(t, err, c.says...)
		})
	}
}

// sheetless takes the sheets away and leaves the parts.
func sheetless(t *testing.T, s *Script) {
	t.Helper()
	s.Keys[0].Outputs = s.Keys[0].Outputs[:1]
	for i := range s.Keys[0].Parts {
		s.drop(t, PrintPart, i+1)
		s.drop(t, SealPart, i+1)
	}
}

func nowhere(t *testing.T, s *Script) {
	t.Helper()
	s.Kind = Custom
	sheetless(t, s)
	s.drop(t, KeepKey, 0)
	s.Keys[0].Outputs, s.Keys[0].Parts, s.Keys[0].Threshold, s.Keys[0].Scheme = nil, nil, 0, ""
}

func block(s *Script) {
	s.Keys[0].Outputs = append(s.Keys[0].Outputs, Output{To: ToBlock, File: "tmk.blk", KBPK: "K"})
}

func TestOtherGoodOrdersAreTaken(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		edit func(t *testing.T, s *Script)
	}{
		"a bag that was not known is not awaited": {ZMKReceive, func(t *testing.T, s *Script) { s.Keys[0].Parts[1].Bag = ""; s.drop(t, ReceivePart, 2) }},
		"a part goes into a bag again": {ZMKReceive, func(t *testing.T, s *Script) {
			s.Steps[s.at(t, DestroyPart, 1)] = Step{Do: SealPart, Key: "ZMK", Part: 1}
		}},
		"a sheet is destroyed when the key is kept": {TMK, func(t *testing.T, s *Script) {
			s.drop(t, SealPart, 3)
			s.put(t, Step{Do: DestroyPart, Key: "TMK", Part: 3, Method: "x"}, Close, 0)
		}},
		"a key is compared though its value is unknown": {TMK, func(t *testing.T, s *Script) { s.put(t, Step{Do: CompareKey, Key: "TMK"}, Close, 0) }},
		"no declaration in test":                        {TMK, func(t *testing.T, s *Script) { s.drop(t, Declare, 0) }},
		"no second witness in test":                     {TMK, func(t *testing.T, s *Script) { delete(s.Roles, SecondWitness) }},
		"only the key is destroyed":                     {Destruction, func(t *testing.T, s *Script) { onlyKey(t, s) }},
		"only the parts are destroyed":                  {Destruction, func(t *testing.T, s *Script) { s.drop(t, DestroyKey, 0) }},
		"a block goes out after the key is kept":        {TMK, func(t *testing.T, s *Script) { block(s); s.put(t, Step{Do: ExportKey, Key: "TMK"}, Close, 0) }},
		"the HSM does more with the key":                {HSMScribe, func(t *testing.T, s *Script) { s.put(t, Step{Do: Scribe, Key: "ZMK", Text: "x"}, Close, 0) }},
		"the other side compares what the HSM has":      {HSMScribe, func(t *testing.T, s *Script) { s.put(t, Step{Do: CompareKey, Key: "ZMK"}, Close, 0) }},
		"shares that are not needed stay in their bags": {ZMKReceive, func(t *testing.T, s *Script) {
			s.Keys[0].Scheme, s.Keys[0].Threshold = "shamir", 2
			for _, v := range []Verb{ReceivePart, EnterPart, DestroyPart} {
				s.drop(t, v, 3)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := good(t, c.kind, Wish{})
			c.edit(t, s)
			if _, err := s.Program(); err != nil {
				t.Error(err)
			}
		})
	}
}

func onlyKey(t *testing.T, s *Script) {
	t.Helper()
	for i := range s.Keys[0].Parts {
		s.drop(t, ReceivePart, i+1)
		s.drop(t, DestroyPart, i+1)
	}
}

func TestEveryStepHasItsPeople(t *testing.T) {
	s := real(t, Reissue)
	p, err := s.Program()
	if err != nil {
		t.Fatal(err)
	}
	who := map[Verb]string{}
	for i, st := range p.Steps {
		if st.Number != i+1 || st.Actor.Primary == "" {
			t.Errorf("step %+v", st)
		}
		who[st.Step.Do] = st.Actor.Primary + " " + st.Seconder.Primary
	}
	for v, want := range map[Verb]string{Attend: "leader.a witness.a", Declare: "witness.a witness.b", Inspect: "operator.a witness.a",
		Read: "leader.a ", ReceivePart: "former.a witness.a", SealPart: "custodian.a witness.a", Close: "leader.a witness.a"} {
		if who[v] != want {
			t.Errorf("%s is done by %q, want %q", v, who[v], want)
		}
	}
	s.Steps[s.at(t, Inspect, 0)].By = "leader"
	if p, err = s.Program(); err != nil || p.Steps[2].Actor.Primary != "leader.a" {
		t.Errorf("by: %v", err)
	}
	delete(s.Roles, SecondWitness)
	s.Environment = custody.Test
	if p, err = s.Program(); err != nil || p.Steps[1].Seconder.Primary != "leader.a" {
		t.Errorf("one witness: %v", err)
	}
}

// Every step of every template is needed where it is, or can be left out: nothing panics, and what is refused is told.
func TestStepsLeftOutDoubledOrExchangedNeverPanic(t *testing.T) {
	for _, tm := range Templates() {
		s := good(t, tm.Kind, Wish{})
		steps := s.Steps
		refused := 0
		for i := range steps {
			for j := range steps {
				for _, other := range [][]Step{slices.Delete(slices.Clone(steps), i, i+1), slices.Insert(slices.Clone(steps), j, steps[i]), swapped(steps, i, j)} {
					s.Steps = other
					if p, err := s.Program(); (p == nil) == (err == nil) {
						t.Errorf("%s: program %v, error %v", tm.Kind, p, err)
					} else if err != nil {
						refused++
					}
				}
			}
		}
		if refused == 0 {
			t.Errorf("%s: nothing was refused", tm.Kind)
		}
	}
}

func swapped(steps []Step, i, j int) []Step {
	all := slices.Clone(steps)
	all[i], all[j] = all[j], all[i]
	return all
}

func TestTheTableOfVerbsIsWhole(t *testing.T) {
	irreversible := map[Verb]bool{SendPart: true, KeepKey: true, ExportKey: true, LoadKey: true, DestroyPart: true, DestroyKey: true, InitStore: true}
	seen := map[Verb]bool{}
	for _, v := range Verbs() {
		if seen[v.Verb] || v.Says.IsZero() || v.Irreversible != irreversible[v.Verb] {
			t.Errorf("row %+v", v)
		}
		seen[v.Verb] = true
		if v.Actor == "" && !v.Custodian {
			t.Errorf("nobody does %s", v.Verb)
		}
		if len(v.Requirements) == 0 && v.Verb != Pause {
			t.Errorf("%s answers no requirement", v.Verb)
		}
	}
	if len(seen) != 21 {
		t.Errorf("%d verbs", len(seen))
	}
	for _, tm := range Templates() {
		for _, st := range good(t, tm.Kind, Wish{}).Steps {
			delete(seen, st.Do)
		}
	}
	if got := fmt.Sprint(len(seen)); got != "1" || !seen[ExportKey] {
		t.Errorf("verbs that no template has: %v", seen)
	}
}
