package script

// What is read aloud: calm, whole sentences, nothing that has to be worked out while listening.

func attend() []said {
	return []said{
		{"Welcome. Please take your seats. Telephones, cameras and watches with a radio stay outside.",
			"欢迎各位，请就座。手机、相机和带无线功能的手表请留在室外。"},
		{"Each of us now logs in with their own passphrase. Nobody watches another person's hands.",
			"现在每人用自己的口令登录。请不要看他人的手。"},
		{"Then we compare the fingerprint of the script with the copy that was reviewed, word by word.",
			"然后逐词核对脚本指纹与已复核的副本。"},
		{"Whoever sees something wrong says stop. We stop; there is time.", "任何人发现问题，请说“停”。我们就停下，时间充裕。"},
	}
}

func declare() []said {
	return []said{
		{"Both witnesses declare:", "两位见证人声明："},
		{"The room is locked, and everybody in it is on the list.", "房间已上锁，室内人员都在名单上。"},
		{"No camera sees the keyboard, the screen or the printer.", "没有摄像头能看到键盘、屏幕或打印机。"},
		{"The machine stands alone, has no network and is used for nothing else.", "本机独立放置，没有网络，不作他用。"},
		{"Cables and ports were looked at, and nothing is there that does not belong.", "线缆和接口已检查，没有多余之物。"},
	}
}

func duties() []said {
	return []said{
		{"A component is seen by its custodian alone. It is not spoken, copied or photographed.", "分量只由其保管员查看，不念出、不抄写、不拍照。"},
		{"When a custodian sits at the machine, all others turn away until the screen is clear.", "保管员操作时，其他人转身，直到屏幕清空。"},
		{"Who has held one component never holds another one of the same key.", "持有过一个分量的人，不再持有同一密钥的其他分量。"},
		{"Whoever makes a mistake says so. A mistake that is told costs minutes, one that is hidden costs the key.",
			"出错请直说。说出来只费几分钟，隐瞒则毁掉密钥。"},
	}
}

func inspectMachine() []said {
	return []said{
		{"The operator reads the serial number off the machine and types it. The witness looks at the machine.",
			"操作员读出机身序列号并输入，见证人看着机身。"},
	}
}

func inspectPrinter() []said {
	return []said{
		{"The operator reads the serial number off the printer and types it.", "操作员读出打印机序列号并输入。"},
		{"The witness sees that it hangs on this machine alone, has no network and no disk, and that its tray is empty.",
			"见证人确认打印机只连接本机，没有网络和硬盘，出纸盘为空。"},
	}
}

func inspectShredder() []said {
	return []said{
		{"The operator reads the serial number off the shredder and types it.", "操作员读出碎纸机序列号并输入。"},
		{"The witness sees that it cuts across and that its bin is empty.", "见证人确认它是交叉切碎式，且纸箱为空。"},
	}
}

func inspectBags() []said {
	return []said{
		{"The operator shows the new bags. They are opaque, numbered and whole.", "操作员出示新袋：不透明、有编号、完好无损。"},
		{"The first serial is read aloud and typed.", "读出并输入第一个袋号。"},
	}
}

func inspectDevice() []said {
	return []said{
		{"The operator looks at the terminal from all sides and at its cable. Nothing is scratched, opened or added.",
			"操作员检查终端各面和线缆：没有划痕、开启或附加物。"},
		{"The serial number is read off its back and typed.", "读出背面序列号并输入。"},
	}
}

func inspectHSM() []said {
	return []said{
		{"The operator looks at the HSM: its seals are whole, and no alarm is on.", "操作员检查加密机：封签完好，没有告警。"},
		{"Make, model and firmware are read aloud, then the serial number is typed.", "读出厂商、型号和固件版本，然后输入序列号。"},
	}
}

func drawn() said {
	return said{"The key is drawn now. Nobody sees it; its check value appears and is written down.",
		"现在生成密钥。没有人看到它；显示并记录其校验值。"}
}

func printed() []said {
	return []said{
		{"The custodian of this part comes to the printer alone. All others turn away.", "本分量的保管员单独走到打印机前，其他人转身。"},
		{"The custodian takes the sheet as it comes, sees that all rows are readable, and covers it.",
			"保管员取出分量单，确认每行清晰可读，然后遮盖。"},
	}
}

func sealed() []said {
	return []said{
		{"The custodian puts the sheet into the bag and closes it before our eyes.", "保管员当众把分量单装入袋中并封口。"},
		{"The serial of the bag is typed, and typed again by reading it anew.", "输入袋号，然后重新读一遍再输入一次。"},
	}
}

func kept() said {
	return said{"The key is taken into the store for use. We look at its check value once more before we agree.",
		"密钥进入密钥库并启用。同意之前再看一次校验值。"}
}

func pause() said {
	return said{"We rest. Sealed bags stay in sight of their custodians. We go on when everybody is back.",
		"休息。封好的袋子保持在保管员视线内。全员回来后继续。"}
}

func sent() []said {
	return []said{
		{"The custodian gives the bag to its courier. No other component of this key goes this way.",
			"保管员把袋子交给本分量的递送专人。该密钥的其他分量不走这条途径。"},
		{"The serial is told to the partner apart from the bag, by the one whom the script names.", "袋号由脚本指定的人另行告知合作方。"},
	}
}

func received() []said {
	return []said{
		{"The custodian lays the bag on the table. Its serial is compared with the one that was told apart from it.",
			"保管员把袋子放到桌上，袋号与另行告知的袋号核对。"},
		{"We look at the closure, the edges and both sides. If there is any doubt, we stop and do not open it.",
			"检查封口、边缘和两面。如有任何疑问，停下，不要打开。"},
	}
}

func removed() []said {
	return []said{
		{"The custodian brings the bag from the safe. Its serial is compared with the one in the script.",
			"保管员从保险柜取来袋子，袋号与脚本核对。"},
		{"We look at the closure, the edges and both sides. If there is any doubt, we stop.", "检查封口、边缘和两面。如有任何疑问，停下。"},
	}
}

func entered() []said {
	return []said{
		{"The custodian sits down alone and opens the bag. All others turn away.", "保管员单独就座并拆袋，其他人转身。"},
		{"Row by row the component is typed. Each row is checked; take the time that it needs.", "逐行输入分量，每行都会检查，请从容进行。"},
		{"Afterwards the sheet is covered and stays in the custodian's hands.", "完成后遮盖分量单，由保管员拿着。"},
	}
}

func formed() said {
	return said{"The components become the key. Nothing is kept before its check value is right.",
		"分量合成密钥。校验值正确之前不保存任何内容。"}
}

func compared() []said {
	return []said{
		{"The check value that the partner told is read aloud and typed.", "读出并输入合作方告知的校验值。"},
		{"If it differs, we stop here. Nothing is lost.", "若不一致，就此停下，不会有任何损失。"},
	}
}

func destroyedPart() []said {
	return []said{
		{"The custodian shreds the sheet with its bag. The witness, who holds no part, sees that nothing remains.",
			"保管员把分量单连同袋子粉碎。不持有分量的见证人确认没有残留。"},
		{"No copy of this component exists: the custodian says so, and we write it down.", "保管员声明该分量没有任何副本，予以记录。"},
	}
}

func destroyedKey() []said {
	return []said{
		{"The key is destroyed in the store. There is no way back.", "在密钥库中销毁密钥，不可恢复。"},
		{"Label and check value are read aloud before we agree.", "同意之前读出标签和校验值。"},
	}
}

func destruction() []said {
	return []said{
		{"We destroy a key and all its components. The witnesses have never held a part of it.",
			"我们销毁一个密钥及其全部分量。见证人从未持有过其分量。"},
		{"Nothing that is in use may depend on it. Whoever knows of such a thing says so now.", "任何在用之物都不得依赖它。如有人知情，请现在说明。"},
	}
}

func safes() []said {
	return []said{
		{"Each custodian takes the sealed bag to their own safe. No safe holds two components of this key.",
			"每位保管员把封好的袋子放入自己的保险柜。任何保险柜不存放该密钥的两个分量。"},
		{"The entry in the book of the safe has the serial of the bag, date, time and signature.", "保险柜登记簿写明袋号、日期、时间并签名。"},
	}
}

func officers() []said {
	return []said{
		{"The store gets its master key. It exists only as shares, one for each officer.", "密钥库获得主密钥。它只以份额存在，每位授权人员一份。"},
		{"Keep the identity file and the passphrase apart, and tell nobody either of them.", "身份文件与口令分开保存，都不要告诉任何人。"},
	}
}

func master() []said {
	return []said{
		{"The master key is drawn now and cut to the officers' cards. What comes before it in this store cannot be opened any more.",
			"现在生成主密钥并分给各授权人员卡。该库中先前的内容将无法再打开。"},
		{"Its check value is read aloud and written down.", "读出并记录其校验值。"},
	}
}

func handedOn() []said {
	return []said{
		{"A component goes to a new custodian. The bag stays closed: nobody sees the component today.",
			"一个分量移交新保管员。袋子不打开：今天没有人看到分量。"},
		{"The new custodian has never held another component of this key.", "新保管员从未持有该密钥的其他分量。"},
	}
}

func resealed() []said {
	return []said{
		{"The new custodian puts the closed bag into a new one and closes it before our eyes.", "新保管员当众把未拆的袋子装入新袋并封口。"},
		{"The serial of the new bag is typed, and typed again by reading it anew.", "输入新袋号，然后重新读一遍再输入一次。"},
	}
}

func prior() []said {
	return []said{
		{"The former custodian has no access any more and remains bound to silence. The lists of the safe are changed today.",
			"原保管员不再有权限，并继续负有保密义务。保险柜名单今天更改。"},
	}
}

func loading() []said {
	return []said{
		{"A key is loaded into a terminal of the inventory. An unknown terminal is put aside and reported.",
			"向清单中的终端注入密钥。未知终端放在一边并上报。"},
		{"Every terminal that is on the table is accounted for at the end, loaded or not.", "桌上的每台终端最后都要有交代，无论是否注入。"},
	}
}

func loaded() []said {
	return []said{
		{"The key is loaded as a key block. The terminal's check value is compared with ours.", "以密钥块注入密钥，并核对终端的校验值。"},
	}
}

func hsmPart() []said {
	return []said{
		{"At the console of the HSM, its custodian alone lets the HSM make a component and print it on its own printer.",
			"在加密机控制台，保管员单独让加密机生成一个分量并在其自带打印机上打印。"},
		{"All others turn away. Here only the check value of the component is typed, by two people.",
			"其他人转身。此处只由两人各自输入该分量的校验值。"},
		{"The sheet is covered and stays in the custodian's hands.", "遮盖分量单，由保管员拿着。"},
	}
}

func hsmKey() []said {
	return []said{
		{"One after the other the custodians type their components at the HSM, which forms the key by XOR.",
			"保管员依次在加密机上输入各自分量，加密机以异或合成密钥。"},
		{"The check value that it shows is typed here by two people.", "其显示的校验值由两人在此各自输入。"},
	}
}

func closing() []said {
	return []said{
		{"Everybody looks around: nothing lies open, the printer's tray and the screen are empty, every bag has its custodian.",
			"请各位环顾四周：没有敞开的材料，出纸盘和屏幕为空，每个袋子都有保管员。"},
		{"What went otherwise than planned was written down as a deviation.", "与计划不符之处均已作为偏差记录。"},
		{"Now everybody signs the record. Thank you.", "现在每人在记录上签名。谢谢各位。"},
	}
}
