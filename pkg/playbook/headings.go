package playbook

// The words of a page that are fixed, in each language.

import "poskey/internal/fault"

// The languages of the book.
const (
	English = "en"
	Chinese = "zh"
)

// Languages lists them.
func Languages() []string { return []string{English, Chinese} }

// headings are the fixed words of one language.
type headings struct {
	means, technical, operational, management, checks, fix, prevention, impact, stop, record string

	trade, risk string // what the lines of the impact begin with
}

func wordsOf(lang string) (headings, error) {
	switch lang {
	case English:
		return headings{
			means: "What it means", technical: "Technical causes", operational: "Operational causes",
			management: "Management causes", checks: "Checks", fix: "Fix", prevention: "Prevention", impact: "Impact",
			stop: "Stop and call", record: "Record",
			trade: "Trade: ", risk: "Risk: ",
		}, nil
	case Chinese:
		return headings{
			means: "含义", technical: "技术原因", operational: "操作原因", management: "管理原因", checks: "检查", fix: "处理",
			prevention: "预防", impact: "影响", stop: "停止并联系", record: "记录",
			trade: "交易：", risk: "风险：",
		}, nil
	}
	return headings{}, fault.New(fault.Usage, "there are no pages in the language %q; known: en zh", lang)
}
