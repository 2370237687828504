package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
)

func newHSMKeysCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "keys",
		short: text.New("list the secret keys of a token"),
		long: text.New("Keys that are not poskey's are listed too. A check value is computed by the token where the key may encrypt; the one\n" +
			"that a token stores with a key is not believed."),
		example: "  poskey hsm keys --hsm 'pkcs11:token=poskey?module-path=/usr/lib/softhsm/libsofthsm2.so'\n" +
			"  poskey hsm keys -o json --hsm 'pkcs11:token=poskey?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:pin'",
		exits: []int{3, 4, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runHSMKeys(cmd.Context(), a) }
	return cmd
}

type hsmKeysDoc struct {
	Token *hsmTokenDoc `json:"token"`
	Keys  []hsmKeyDoc  `json:"keys"`
}

type hsmKeyDoc struct {
	Label       string `json:"label"`
	ID          string `json:"id"`
	Type        string `json:"type"`
	Length      int    `json:"length"` // bytes; 0 where the token does not say
	Sensitive   bool   `json:"sensitive"`
	Extractable bool   `json:"extractable"`
	Local       bool   `json:"local"`
	KCV         string `json:"kcv,omitempty"`
	Method      string `json:"method,omitempty"`
}

func runHSMKeys(ctx context.Context, a *App) (err error) {
	t, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := t.Close(); err == nil {
			err = closeErr
		}
	}()
	all, err := t.Keys(ctx)
	if err != nil {
		return err
	}
	doc := hsmKeysDoc{Token: tokenDoc(t.Info()), Keys: make([]hsmKeyDoc, len(all))}
	for i, k := range all {
		doc.Keys[i] = hsmKeyDoc{k.Label, k.ID, k.Type, k.Len, k.Sensitive, k.Extractable, k.Local, k.Check.Digits,
			string(k.Check.Method)}
	}
	return a.render.Answer("hsm.keys", doc, func(p *render.Page) { hsmKeysPage(p, doc) })
}

func hsmKeysPage(p *render.Page, doc hsmKeysDoc) {
	if len(doc.Keys) == 0 {
		p.Line(text.New("the token has no secret keys"))
		return
	}
	yes := func(is bool) string {
		if is {
			return p.T(text.New("yes"))
		}
		return p.T(text.New("no"))
	}
	rows := make([][]string, len(doc.Keys))
	for i, k := range doc.Keys {
		rows[i] = []string{k.Label, k.Type, strconv.Itoa(k.Length), yes(k.Sensitive), yes(k.Extractable),
			yes(k.Local), k.KCV}
	}
	p.Grid([]text.Text{text.New("LABEL"), text.New("TYPE"), text.New("BYTES"), text.New("SENSITIVE"),
		text.New("EXTRACTABLE"),
		text.New("MADE INSIDE"), text.New("CHECK VALUE")}, rows)
}
