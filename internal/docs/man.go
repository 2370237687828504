package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/cli"
	"poskey/internal/i18n"
)

// stamp is what a manual page says of its release: the day of the commit, never that of the build.
type stamp struct{ version, date string }

// Manuals renders the manual: a page of section 1 for each command, as git has them (poskey-kcv-compute.1), and of
// section 7 for each topic of help; English below man1 and man7, Chinese below zh_CN.
func Manuals(s stamp) map[string][]byte {
	pages := map[string][]byte{}
	for _, language := range []struct {
		lang   i18n.Lang
		folder string
	}{{i18n.English, ""}, {i18n.Chinese, "zh_CN/"}} {
		m := manual{stamp: s, say: i18n.New(language.lang), prose: language.lang == i18n.English}
		walk(cli.TreeIn(language.lang), func(cmd *cobra.Command) {
			section := sectionOf(cmd)
			name := fmt.Sprintf("%sman%d/%s.%d", language.folder, section, manName(cmd), section)
			pages[name] = []byte(m.page(cmd))
		})
	}
	return pages
}

// sectionOf: 1 for commands, 7 for what only tells something.
func sectionOf(cmd *cobra.Command) int {
	if cmd.IsAdditionalHelpTopicCommand() {
		return 7
	}
	return 1
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manual writes roff (groff_man) in one language. The texts of the commands are prose for terminals and no markup, so
// that every character of them is literal here.
type manual struct {
	stamp
	say   *i18n.Printer
	prose bool // paragraphs may be filled: words have blanks between them
}

// page begins with: no hyphenation, a ragged edge, and one blank after a sentence as after a word (.ss), since the texts of
// commands have their own line ends, after which roff would set two.
func (m manual) page(cmd *cobra.Command) string {
	var out strings.Builder
	section := sectionOf(cmd)
	fmt.Fprintf(&out, ".TH %s %d %s %s poskey\n.nh\n.ad l\n.ss 12 0\n", quoted(strings.ToUpper(manName(cmd))), section, m.date,
		quoted("poskey "+m.version))
	fmt.Fprintf(&out, ".SH %s\n%s \\- %s\n", m.say.T("NAME"), roff(manName(cmd)), roff(oneLine(cmd.Short)))
	long, exits, _ := strings.Cut(cmd.Long, m.say.T("EXIT STATUS")+"\n")
	if section == 1 {
		fmt.Fprintf(&out, ".SH %s\n%s\n", m.say.T("SYNOPSIS"), synopsis(cmd))
	}
	if body := m.body(afterShort(long, cmd.Short)); body != "" {
		fmt.Fprintf(&out, ".SH %s\n%s", m.say.T("DESCRIPTION"), body)
	}
	out.WriteString(m.commands(cmd))
	if section == 1 {
		out.WriteString(m.options(m.say.T("OPTIONS"), cmd.NonInheritedFlags()))
		out.WriteString(m.options(m.say.T("OPTIONS OF EVERY COMMAND"), cmd.InheritedFlags()))
	}
	if cmd.Example != "" {
		fmt.Fprintf(&out, ".SH %s\n%s", m.say.T("EXAMPLES"), verbatim(outdent(cmd.Example)))
	}
	out.WriteString(m.exitStatus(exits))
	fmt.Fprintf(&out, ".SH %s\n%s\n", m.say.T("SEE ALSO"), strings.Join(seeAlso(cmd), ",\n"))
	return out.String()
}

// synopsis sets what is typed as it stands in bold, and what stands for something else as it is in help.
func synopsis(cmd *cobra.Command) string {
	rest := strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath())
	if cmd.HasAvailableSubCommands() && !strings.Contains(rest, "[command]") {
		rest += " [command]"
	}
	return fmt.Sprintf(".B %s\n%s", roff(cmd.CommandPath()), roff(strings.TrimSpace(rest)))
}

// afterShort is the long text without its first paragraph when that repeats what stands under NAME.
func afterShort(long, short string) string {
	long = strings.Trim(long, "\n")
	first, rest, _ := strings.Cut(long, "\n\n")
	if strings.TrimRight(first, ".。") == strings.TrimRight(short, ".。") {
		return strings.Trim(rest, "\n")
	}
	return long
}

// body sets paragraphs; what is indented, and Chinese, keeps its lines.
func (m manual) body(text string) string {
	if text == "" {
		return ""
	}
	var out, run strings.Builder
	kept := false
	flush := func() {
		if run.Len() == 0 {
			return
		}
		if kept {
			out.WriteString(".PP\n" + verbatim(run.String()))
		} else {
			out.WriteString(".PP\n" + roffLines(run.String()))
		}
		run.Reset()
	}
	for _, line := range strings.Split(text, "\n") {
		keep := !m.prose || strings.HasPrefix(line, "  ")
		if line == "" || keep != kept {
			flush()
		}
		kept = keep
		if line != "" {
			run.WriteString(line + "\n")
		}
	}
	flush()
	return strings.TrimPrefix(out.String(), ".PP\n")
}

func (m manual) commands(cmd *cobra.Command) string {
	var out strings.Builder
	for _, c := range cmd.Commands() {
		if out.Len() == 0 {
			fmt.Fprintf(&out, ".SH %s\n", m.say.T("COMMANDS"))
		}
		fmt.Fprintf(&out, ".TP\n%s\n%s\n", reference(c), roff(oneLine(c.Short)))
	}
	return out.String()
}

func (m manual) options(title string, flags *pflag.FlagSet) string {
	var out strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if out.Len() == 0 {
			fmt.Fprintf(&out, ".SH %s\n", title)
		}
		out.WriteString(m.option(f))
	})
	return out.String()
}

func (m manual) option(f *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(f)
	if one, ok := map[string]string{"stringArray": "string", "strings": "string", "ints": "int"}[value]; ok {
		value = one // what stands there each time; the text says what may be repeated
	}
	head := `\fB` + roff("--"+f.Name) + `\fR`
	if f.Shorthand != "" {
		head = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + head
	}
	if value != "" {
		head += ` \fI` + roff(value) + `\fR`
	}
	switch f.DefValue {
	case "", "false", "[]", "0", "0s":
	default:
		usage += " " + m.say.T("(default %s)", f.DefValue)
	}
	return fmt.Sprintf(".TP\n%s\n%s\n", head, roff(oneLine(usage)))
}

// exitStatus sets the lines "code meaning" of the section in help.
func (m manual) exitStatus(section string) string {
	var out strings.Builder
	for _, line := range strings.Split(section, "\n") {
		code, meaning, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		if out.Len() == 0 {
			fmt.Fprintf(&out, ".SH %s\n", m.say.T("EXIT STATUS"))
		}
		fmt.Fprintf(&out, ".TP\n.B %s\n%s\n", code, roff(strings.TrimSpace(meaning)))
	}
	return out.String()
}

// seeAlso leads to the command above and to the topics of help; from a topic to the program.
func seeAlso(cmd *cobra.Command) []string {
	var refs []string
	if cmd.HasParent() {
		refs = append(refs, reference(cmd.Root()))
	}
	if cmd.HasParent() && cmd.Parent().HasParent() {
		refs = append(refs, reference(cmd.Parent()))
	}
	for _, c := range cmd.Root().Commands() {
		if c.IsAdditionalHelpTopicCommand() && c != cmd {
			refs = append(refs, reference(c))
		}
	}
	return refs
}

func reference(cmd *cobra.Command) string {
	return fmt.Sprintf(`\fB%s\fR(%d)`, roff(manName(cmd)), sectionOf(cmd))
}

func verbatim(lines string) string { return ".nf\n" + roffLines(lines) + ".fi\n" }

func outdent(lines string) string {
	return strings.ReplaceAll(strings.TrimPrefix(lines, "  "), "\n  ", "\n")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func quoted(s string) string { return `"` + roff(s) + `"` }

func roffLines(s string) string {
	var out strings.Builder
	for _, line := range strings.Split(strings.Trim(s, "\n"), "\n") {
		out.WriteString(roff(line) + "\n")
	}
	return out.String()
}

// roff makes every character of a line literal: hyphens and quotes can be copied to a shell, and no line is a request.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`).
		Replace(line)
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}
