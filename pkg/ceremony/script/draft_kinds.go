package script

// The keys and steps of each template.

import "fmt"

func (d *draft) begin(id, usage string, source Source, people []person) {
	d.people(people)
	d.keyHead(id, usage, source)
}

func (d *draft) xorParts(part func(i int)) {
	d.print("    scheme: xor")
	d.print("    parts:")
	for i := range d.Parts {
		part(i)
	}
}

func (d *draft) zmkExchange() {
	d.begin("ZMK", "K1", Generate, append(staff(), custodians(d.Parts, true)...))
	d.xorParts(func(i int) { d.custodianOf(i, true); d.way(i) })
	d.storeOutput("ZMK", true)
	d.opening()
	d.readDuties()
	d.inspectPrinter()
	d.inspectBags()
	d.step(MakeKey, 2, keyField("ZMK"), drawn())
	d.printAndSeal("ZMK")
	d.keep("ZMK")
	d.step(Pause, 10, nil, pause())
	for i := range d.Parts {
		d.step(SendPart, 3, partField("ZMK", i+1), sent()...)
	}
	d.closing()
}

func (d *draft) zmkReceive() {
	d.begin("ZMK", "K1", Components, append(staff(), custodians(d.Parts, true)...))
	d.xorParts(func(i int) {
		d.custodianOf(i, true)
		d.print("        bag: %s", d.token(fmt.Sprintf("BAG-1%03d", i+1), fmt.Sprintf("BAG-%d", i+1)))
		d.way(i)
		d.note("        ", said{"check: 08D7B4    the check value of this component, as it stands on its sheet",
			"check: 08D7B4    该分量单上的校验值"})
	})
	d.storeOutput("ZMK", false)
	d.opening()
	d.readDuties()
	d.inspectShredder()
	for i := range d.Parts {
		d.step(ReceivePart, 4, partField("ZMK", i+1), received()...)
	}
	for i := range d.Parts {
		d.step(EnterPart, 6, partField("ZMK", i+1), entered()...)
	}
	d.step(FormKey, 2, keyField("ZMK"), formed())
	d.step(CompareKey, 3, keyField("ZMK"), compared()...)
	d.keep("ZMK")
	for i := range d.Parts {
		d.destroyPart("ZMK", i+1)
	}
	d.closing()
}

func (d *draft) tmk() {
	d.begin("TMK", "K1", Generate, append(staff(), custodians(d.Parts, true)...))
	d.xorParts(func(i int) { d.custodianOf(i, true) })
	d.storeOutput("TMK", true)
	d.opening()
	d.readDuties()
	d.inspectPrinter()
	d.inspectBags()
	d.step(MakeKey, 2, keyField("TMK"), drawn())
	d.printAndSeal("TMK")
	d.keep("TMK")
	d.step(Read, 2, nil, safes()...)
	d.closing()
}

func (d *draft) destruction() {
	d.begin("OLD", "K1", Stored, append(staff(), custodians(d.Parts, true)...))
	d.xorParts(func(i int) {
		d.custodianOf(i, true)
		d.print("        bag: %s", d.token(fmt.Sprintf("BAG-2%03d", i+1), fmt.Sprintf("BAG-%d", i+1)))
	})
	d.opening()
	d.step(Read, 2, nil, destruction()...)
	d.inspectShredder()
	for i := range d.Parts {
		d.step(ReceivePart, 4, partField("OLD", i+1), removed()...)
		d.destroyPart("OLD", i+1)
	}
	d.step(DestroyKey, 3, append(keyField("OLD"), field{"method",
		quoted(d.say(said{"erased from the store; the record of its check value stays",
			"从密钥库删除，保留其校验值记录"}))}), destroyedKey()...)
	d.closing()
}

func (d *draft) storeMaster() {
	d.begin("MASTER", "K1", Generate, append(staff(), custodians(d.Parts, false)...))
	d.print("    scheme: shamir")
	d.note("    ", said{"so many of the officers open the store together", "共同开启密钥库所需的授权人员数"})
	d.print("    threshold: %d", d.Parts/2+1)
	d.print("    parts:")
	for i := range d.Parts {
		d.custodianOf(i, false)
	}
	d.opening()
	d.step(Read, 2, nil, officers()...)
	d.step(InitStore, 5, keyField("MASTER"), master()...)
	d.closing()
}

func (d *draft) reissue() {
	d.begin("ZMK", "K1", Stored, append(append(staff(), former()), custodians(d.Parts, true)...))
	d.xorParts(func(i int) {
		d.custodianOf(i, true)
		if i == 0 {
			d.note("        ",
				said{"who held this part until today; prior knowledge counts, they get no other part of this key",
					"此前持有该分量的人；既往知悉同样计入，不得再持有该密钥的其他分量"})
			d.print("        former: {primary: former.a}")
			d.print("        bag: %s", d.token("BAG-3001", "BAG-1"))
		}
	})
	d.opening()
	d.step(Read, 2, nil, handedOn()...)
	d.inspectBags()
	d.step(ReceivePart, 4, partField("ZMK", 1), removed()...)
	d.step(SealPart, 4, partField("ZMK", 1), resealed()...)
	d.step(Read, 2, nil, prior()...)
	d.closing()
}

func (d *draft) injection() {
	d.begin("PEK", "P0", Stored, staff())
	d.print("    outputs:")
	d.print("      - to: device")
	d.note("        ", said{"serial number in the inventory, and the slot of the key", "清单中的序列号，以及密钥的槽位"})
	d.print("        device: %s", d.token("TERM0001", "SERIAL"))
	d.print("        slot: %s", d.token("'1'", "SLOT"))
	d.note("        ", said{"the key of the store that the terminal opens the key block with", "终端用来解开密钥块的密钥（密钥库标签）"})
	d.print("        kbpk: %s", d.token("TEST-TMK", "TMK"))
	d.opening()
	d.step(Read, 2, nil, loading()...)
	d.inspect(said{"serial number of the terminal, on its back", "终端背面的序列号"}, "TERM0001", "SERIAL", inspectDevice()...)
	d.step(LoadKey, 5, keyField("PEK"), loaded()...)
	d.closing()
}

func (d *draft) hsmScribe() {
	d.begin("ZMK", "K1", InHSM, append(staff(), custodians(d.Parts, true)...))
	d.xorParts(func(i int) { d.custodianOf(i, true) })
	d.opening()
	d.readDuties()
	d.inspect(said{"serial number of the HSM", "加密机的序列号"}, "HSM-0001", "HSM", inspectHSM()...)
	d.inspectPrinter()
	d.inspectBags()
	for i := range d.Parts {
		d.step(Scribe, 6, partField("ZMK", i+1), hsmPart()...)
	}
	d.step(Scribe, 8, keyField("ZMK"), hsmKey()...)
	for i := range d.Parts {
		d.step(SealPart, 4, partField("ZMK", i+1), sealed()...)
	}
	d.closing()
}

// storeOutput writes where a key goes: into the store, and onto sheets.
func (d *draft) storeOutput(id string, sheets bool) {
	d.print("    outputs:")
	d.print("      - to: store")
	d.print("        label: %s", d.label(id))
	if sheets {
		d.print("      - to: sheets")
	}
}

// opening are the steps that every ceremony begins with.
func (d *draft) opening() {
	d.print("")
	d.note("", said{"The texts are read aloud as they stand. Minutes are planned, nobody is hurried.",
		"文字照原样朗读。时间只是计划，不催促任何人。"})
	d.print("steps:")
	d.step(Attend, 10, nil, attend()...)
	d.step(Declare, 5, nil, declare()...)
	d.inspect(said{"serial number of this machine", "本机的序列号"}, "PC-0001", "MACHINE", inspectMachine()...)
}

func (d *draft) readDuties() { d.step(Read, 3, nil, duties()...) }

func (d *draft) inspect(item said, test, fill string, aloud ...said) {
	d.step(Inspect, 2, []field{{"item", quoted(d.say(item))}, {"expect", d.token(test, fill)}}, aloud...)
}

func (d *draft) inspectPrinter() {
	d.inspect(said{"serial number of the printer", "打印机的序列号"}, "PRN-0001", "PRINTER", inspectPrinter()...)
}

func (d *draft) inspectShredder() {
	d.inspect(said{"serial number of the shredder", "碎纸机的序列号"}, "SHR-0001", "SHREDDER", inspectShredder()...)
}

// inspectBags has no serial to compare with: it is read off the roll and written down.
func (d *draft) inspectBags() {
	d.step(Inspect, 2, []field{{"item", quoted(d.say(said{"first serial of the new tamper-evident bags",
		"新防拆袋的第一个袋号"}))}}, inspectBags()...)
}

func (d *draft) printAndSeal(id string) {
	for i := range d.Parts {
		d.step(PrintPart, 4, partField(id, i+1), printed()...)
		d.step(SealPart, 4, partField(id, i+1), sealed()...)
	}
}

func (d *draft) keep(id string) { d.step(KeepKey, 2, keyField(id), kept()) }

func (d *draft) destroyPart(id string, part int) {
	method := quoted(d.say(said{"cross-cut shredder, then pulped", "交叉碎纸，然后打浆"}))
	d.step(DestroyPart, 3, append(partField(id, part), field{"method", method}), destroyedPart()...)
}

func (d *draft) closing() { d.step(Close, 10, nil, closing()...) }
