package script

// The head of a template: what it is, who is there.

import "fmt"

// write writes the whole script.
func (d *draft) write() {
	d.head()
	switch d.kind {
	case ZMKExchange:
		d.zmkExchange()
	case ZMKReceive:
		d.zmkReceive()
	case TMK:
		d.tmk()
	case Destruction:
		d.destruction()
	case StoreMaster:
		d.storeMaster()
	case Reissue:
		d.reissue()
	case Injection:
		d.injection()
	case HSMScribe:
		d.hsmScribe()
	}
}

// titles of the templates.
func (d *draft) title() said {
	return map[Kind]said{
		ZMKExchange: {"Zone master key for a partner", "与合作方交换区域主密钥"},
		ZMKReceive:  {"A partner's zone master key", "接收合作方的区域主密钥"},
		TMK:         {"Terminal master key", "终端主密钥"},
		Destruction: {"Destruction of a key and its components", "销毁密钥及其分量"},
		StoreMaster: {"Master key of the store", "密钥库主密钥"},
		Reissue:     {"A component for a new custodian", "分量移交新保管员"},
		Injection:   {"Injection of a terminal", "终端注入密钥"},
		HSMScribe:   {"Zone master key inside the HSM", "在加密机（HSM）内生成区域主密钥"},
	}[d.kind]
}

func (d *draft) head() {
	d.note("",
		said{"Script of a key ceremony (poskey ceremony new --template " + string(d.kind) + ").",
			"密钥仪式脚本（poskey ceremony new --template " + string(d.kind) + "）。"},
		said{"Fill it in, let it be reviewed, then let poskey ceremony check look at it. From then on every byte counts:",
			"填写、复核，再用 poskey ceremony check 检查。此后每个字节都有意义："},
		said{"all who take part compare its fingerprint. Nothing secret stands in it.", "所有参加者都要核对它的指纹。脚本里没有任何秘密。"})
	d.print("schema: %s", Schema)
	d.print("kind: %s", d.kind)
	d.print("environment: %s", d.Environment)
	title := d.title()
	if !d.production() {
		title = said{"TEST: " + title.en, "TEST 测试：" + title.zh}
	}
	d.print("title: %s", d.wished(d.Title, title, d.title()))
	d.print("organisation: %s", d.wished(d.Organisation, said{"Organisation A", "甲机构"}, said{"name of the organisation",
		"机构名称"}))
	d.print("place: %s", d.wished(d.Place, said{"Key room 1", "密钥室一"}, said{"building and room", "楼宇与房间"}))
	d.note("", said{"starts: 2026-12-01T09:00:00Z    the planned time, in UTC",
		"starts: 2026-12-01T09:00:00Z    计划时间（UTC）"})
}

// person is somebody of a template.
type person struct {
	id            string
	name, manager said
}

func (d *draft) people(all []person) {
	d.print("")
	d.note("",
		said{"Everybody who takes part: the id of their officer's card, their name, and whom they report to.",
			"全体参加者：授权人员卡上的 id、姓名、上级。"},
		said{"Custodians enough to form a key do not report to one manager. In production the fingerprint of each",
			"足以合成密钥的保管员不得同属一个上级。生产环境中每人还需写上"},
		said{"card belongs here too:  card: 64 digits  (poskey officer show prints them).",
			"授权人员卡的指纹：card: 64 位数字（poskey officer show 可显示）。"})
	d.print("people:")
	for _, p := range all {
		d.print("  - id: %s", p.id)
		d.print("    name: %s", d.sample(p.name, said{"name of " + p.id, p.id + " 的姓名"}))
		d.print("    manager: %s", d.sample(p.manager, said{"whom " + p.id + " reports to", p.id + " 的上级"}))
	}
	d.print("")
	d.print("roles:")
	d.print("  leader: {primary: leader.a}")
	d.print("  operator: {primary: operator.a}")
	d.print("  witness: {primary: witness.a}")
	d.print("  second-witness: {primary: witness.b}")
}

// staff are those without a part.
func staff() []person {
	security, audit := said{"Head of Security", "安全主管"}, said{"Head of Audit", "审计主管"}
	return []person{
		{"leader.a", said{"Leader A", "主持人甲"}, security},
		{"operator.a", said{"Operator A", "操作员甲"}, said{"Head of Operations", "运营主管"}},
		{"witness.a", said{"Witness A", "见证人甲"}, audit},
		{"witness.b", said{"Witness B", "见证人乙"}, audit},
	}
}

// custodians are those of the parts, each with a manager of their own, with backups if wanted.
func custodians(n int, backups bool) []person {
	var all []person
	for i := range n {
		small, capital, zh := letter(i)
		manager := said{"Manager " + capital, "主管" + zh}
		all = append(all, person{"custodian." + small, said{"Custodian " + capital, "保管员" + zh}, manager})
		if backups {
			all = append(all, person{"backup." + small, said{"Backup Custodian " + capital, "备份保管员" + zh}, manager})
		}
	}
	return all
}

// former is who hands a part on.
func former() person {
	return person{"former.a", said{"Former Custodian A", "原保管员甲"}, said{"Manager A", "主管甲"}}
}

// keyHead writes a key up to its parts.
func (d *draft) keyHead(id, usage string, source Source) {
	d.print("")
	d.print("keys:")
	d.print("  - id: %s", id)
	d.print("    algorithm: %s", d.Algorithm)
	d.print("    usage: %s", usage)
	d.print("    source: %s", source)
	if source == Stored {
		d.print("    label: %s", d.label(id))
	}
	if source == Components {
		d.note("    ",
			said{"check: 08D7B4    the check value of the key, as the partner told it: it finds mistakes before it is too late",
				"check: 08D7B4    合作方告知的密钥校验值：可及早发现差错"})
	}
}

// custodianOf writes the seat of a part.
func (d *draft) custodianOf(i int, backup bool) {
	small, _, _ := letter(i)
	d.print("      - number: %d", i+1)
	if backup {
		d.print("        custodian: {primary: custodian.%s, backup: backup.%s}", small, small)
		return
	}
	d.print("        custodian: {primary: custodian.%s}", small)
}

// way writes how a part travels.
func (d *draft) way(i int) {
	_, capital, zh := letter(i)
	d.print("        channel: %s", d.sample(said{"Courier " + capital, "递送专人" + zh},
		said{"courier of part " + fmt.Sprint(i+1), fmt.Sprintf("第 %d 个分量由谁递送", i+1)}))
	d.print("        serial_by: %s", d.sample(said{"Security desk of the sender", "发送方安全值班"},
		said{"who tells the serial of the bag, apart from it", "由谁另行告知袋号"}))
}
