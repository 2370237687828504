package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
)

type ksnOpts struct {
	ksn, padding string
	next         int
}

// maxNext bounds how many KSNs are listed: they are held in memory.
const maxNext = 100_000

func newDukptKSNCmd(a *App) *cobra.Command {
	o := ksnOpts{}
	cmd := a.command(cmdSpec{
		use:   "ksn KSN|KEYSET,DEVICE,COUNTER",
		short: text.New("explain a key serial number field by field"),
		long: text.New("Key set, device and counter; whether a transaction has this counter, which KSN comes next and how many are left.\n" +
			"20 digits are TDES DUKPT, 24 are AES DUKPT. A KSN with fewer digits is not filled up in silence: every reading is shown,\n" +
			"and the command ends with 3. --next lists the KSNs that follow; counters with too many bits are left out, as devices do.\n" +
			"A TDES KSN may be given in its three parts, as forms and jPOS have them: a counter of six digits reaches into the device\n" +
			"field, which is said. A KSN whose counter no transaction has is explained like any other and the command ends with 0:\n" +
			"the answer says it (\"valid\":false)."),
		example: "  poskey dukpt ksn FFFF9876543210E00008\n" +
			"  poskey dukpt ksn 123456789012345600000001 --next 3 -o json\n" +
			"  poskey dukpt ksn 9876543210E00001 --ksn-padding left-f\n" +
			"  poskey dukpt ksn 987654,3210E,100000",
		exits: []int{3}, args: oneOrThree,
	})
	f := cmd.Flags()
	a.ksnPaddingFlag(f, &o.padding)
	f.IntVar(&o.next, "next", 0, a.Say.T("list so many KSNs that follow"))
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		o.ksn = strings.Join(args, ",")
		return runDukptKSN(a, o)
	}
	return cmd
}

// oneOrThree: a KSN, or its three parts.
func oneOrThree(_ *cobra.Command, args []string) error {
	if len(args) != 1 && len(args) != 3 {
		return fault.New(fault.Usage, "too many or too few arguments; see --help")
	}
	return nil
}

type ksnDoc struct {
	Scheme     dukpt.Scheme  `json:"scheme"`
	KSN        string        `json:"ksn"`
	InitialKSN string        `json:"initial_ksn"`
	KeySetID   string        `json:"key_set_id"`
	DeviceID   string        `json:"device_id"`
	IKID       string        `json:"ikid,omitempty"`
	Counter    uint32        `json:"counter"`
	CounterHex string        `json:"counter_hex"`
	BitsSet    int           `json:"bits_set"`
	BitsMax    int           `json:"bits_max"`
	Valid      bool          `json:"valid"`
	Reason     string        `json:"reason,omitempty"`
	Next       *string       `json:"next"` // null at the end of life
	Following  []string      `json:"following,omitempty"`
	Used       uint64        `json:"used"`
	Remaining  uint64        `json:"remaining"`
	Fields     []ksnFieldDoc `json:"fields"`
	Warnings   []warningDoc  `json:"warnings"`
}

type ksnFieldDoc struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Digits  string `json:"digits"`
	Meaning string `json:"meaning"`
}

func runDukptKSN(a *App, o ksnOpts) error {
	if o.next < 0 || o.next > maxNext {
		return fault.New(fault.Usage, "--next %d: from 0 to %d KSNs are listed", o.next, maxNext)
	}
	ksn, warnings, err := o.parse()
	if readings := dukpt.ShortReadings(o.ksn); err != nil && o.padding == "" && readings != nil {
		return a.answerReadings(&shortKSN{err, readingDocs(readings)})
	}
	if err != nil {
		return err
	}
	doc := newKSNDoc(ksn, o.next)
	doc.Warnings = dukptWarningDocs(warnings)
	return a.render.Answer("dukpt.ksn", doc, func(p *render.Page) { ksnPage(p, ksn, doc, warnings) })
}

// parse reads the KSN, whole or in parts.
func (o ksnOpts) parse() (dukpt.KSN, []dukpt.Warning, error) {
	parts := strings.Split(o.ksn, ",")
	switch {
	case len(parts) == 1:
		ksn, err := parseKSN(o.ksn, o.padding)
		return ksn, ksn.Warnings(), err
	case len(parts) != 3:
		return dukpt.KSN{}, nil, fault.New(fault.Usage, "a KSN in parts has three: key set, device and counter; %d were given", len(parts))
	case o.padding != "":
		return dukpt.KSN{}, nil, fault.New(fault.Usage, "--ksn-padding does not go with a KSN in parts")
	}
	return dukpt.JoinKSN(parts[0], parts[1], parts[2])
}

func newKSNDoc(ksn dukpt.KSN, following int) ksnDoc {
	fields := ksn.Fields()
	doc := ksnDoc{
		Scheme: ksn.Scheme(), KSN: ksn.String(), InitialKSN: ksn.Initial().String(), KeySetID: ksn.KeySetID(),
		DeviceID: ksn.DeviceID(), IKID: ksn.IKID(), Counter: ksn.Counter(), CounterHex: fields[len(fields)-1].Digits,
		BitsSet: ksn.BitsSet(), BitsMax: ksn.MaxBits(), Valid: true, Remaining: ksn.Remaining(),
		Used: ksn.Initial().Remaining() - ksn.Remaining(),
	}
	if err := ksn.CheckCounter(); err != nil {
		doc.Valid, doc.Reason = false, err.Error()
	}
	if next, ok := ksn.Next(); ok {
		s := next.String()
		doc.Next = &s
	}
	for next, ok := ksn.Next(); ok && len(doc.Following) < following; next, ok = next.Next() {
		doc.Following = append(doc.Following, next.String())
	}
	for _, f := range fields {
		doc.Fields = append(doc.Fields, ksnFieldDoc{f.ID, f.Name.String(), f.Digits, f.Meaning.String()})
	}
	return doc
}

func ksnPage(p *render.Page, ksn dukpt.KSN, doc ksnDoc, warnings []dukpt.Warning) {
	valid, next := p.T(text.New("yes")), p.T(text.New("none: the device is at the end of its life"))
	if err := ksn.CheckCounter(); err != nil {
		valid = p.T(text.New("no: %s", err))
	}
	if doc.Next != nil {
		next = *doc.Next
	}
	p.Fields(
		render.F(text.New("scheme"), p.T(schemeText(doc.Scheme))),
		render.F(text.New("KSN"), doc.KSN),
		render.F(text.New("valid"), valid),
		render.F(text.New("next KSN"), next),
		render.F(text.New("transactions used"), strconv.FormatUint(doc.Used, 10)),
		render.F(text.New("transactions left"), strconv.FormatUint(doc.Remaining, 10)),
	)
	fields := ksn.Fields()
	rows := make([][]string, len(fields))
	for i, f := range fields {
		rows[i] = []string{p.T(f.Name), f.Digits, p.T(f.Meaning)}
	}
	p.Blank()
	p.Grid([]text.Text{text.New("FIELD"), text.New("VALUE"), text.New("MEANING")}, rows)
	dukptWarnPage(p, warnings)
	for i, next := range doc.Following {
		if i == 0 {
			p.Blank()
			p.Heading(text.New("KSNs that follow"))
		}
		p.Raw(next)
	}
}
