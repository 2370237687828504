package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
)

type deviceLogsOpts struct {
	managedOpts
	after uint64
	limit int
}

func newDeviceLogsCmd(a *App) *cobra.Command {
	o := deviceLogsOpts{}
	cmd := a.command(cmdSpec{
		use:     "logs",
		short:   text.New("pull a terminal's own log"),
		long:    text.New("The oldest first. A log is a ring: what was overwritten is gone, and a gap in the numbers shows it."),
		example: "  poskey device logs --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --login 99 --after 120",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.managedFlags(f, &o.managedOpts)
	a.loginFlags(f, &o.managedOpts)
	f.Uint64Var(&o.after, "after", 0, a.Say.T("only events with a higher number"))
	f.IntVar(&o.limit, "limit", 1000, a.Say.T("at most so many"))
	required(cmd, "device", "login")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceLogs(cmd.Context(), a, o) }
	return cmd
}

type deviceLogsDoc struct {
	Events []logDoc `json:"events"`
}

func runDeviceLogs(ctx context.Context, a *App, o deviceLogsOpts) error {
	if o.limit < 1 {
		return fault.New(fault.Usage, "--limit %d: it is 1 or more", o.limit)
	}
	m, err := a.manage(ctx, o.managedOpts)
	if err != nil {
		return err
	}
	defer m.close()
	if err := a.logIn(ctx, m, o.managedOpts); err != nil {
		return err
	}
	events, err := pullLog(ctx, m, o.after, o.limit)
	if err != nil {
		return err
	}
	doc := deviceLogsDoc{newLogDocs(events)}
	return a.render.Answer("device.logs", doc, func(p *render.Page) {
		if len(doc.Events) == 0 {
			p.Line(text.New("no events"))
			return
		}
		logPage(p, doc.Events)
	})
}

// pullLog asks until it has so many events, or there are no more: a device gives no more than so many at one time.
func pullLog(ctx context.Context, m device.Manager, after uint64, most int) ([]device.LogEvent, error) {
	var all []device.LogEvent
	for len(all) < most {
		page, err := m.Logs(ctx, after, most-len(all))
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		all, after = append(all, page...), page[len(page)-1].Seq
	}
	return all, nil
}
