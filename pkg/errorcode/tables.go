package errorcode

import "poskey/internal/text"

// VendorName is what people call a vendor, a network or a standard; its id where the dictionary has no name for it.
func VendorName(id string) text.Text { return text.Of(nameOf(id).name) }

// TableName is the name of a table for people; what the vendor itself calls it stays.
func TableName(name string) text.Text {
	zh := map[string]string{
		"PED, 0x10000 - 300 - n":            "PED，0x10000 - 300 - n",
		"return codes, key-related excerpt": "返回码，密钥相关部分",
		"screen text":                       "屏幕提示",
		"DE39":                              "应答码（39 域）",
		"DE39, security-related excerpt":    "应答码（39 域），安全相关部分",
		"return code/reason code":           "返回码/原因码",
		"DE39 (one implementation; private codes differ by network)": "应答码（39 域），一种实现；专用码各网络不同",
		"DE39 (one implementation)":                                  "应答码（39 域），一种实现",
		"secure processor vendor code":                               "安全处理器厂商码",
		"secure processor write-key result":                          "安全处理器写密钥结果",
		"USDK PinpadError (symbols only, numbers not public)":        "USDK PinpadError（只有符号，数值未公开）",
		"PED, base -4500":                                            "PED，基数 -4500",
		"status byte":                                                "状态字节",
		"PinPad, base -7000":                                         "PinPad，基数 -7000",
		"NAPI key policy":                                            "NAPI 密钥策略",
		"NDK crypto module":                                          "NDK 加密模块",
		"NDK key manager":                                            "NDK 密钥管理",
		"NDK platform":                                               "NDK 平台",
		"mPOS error codes, key-related excerpt":                      "mPOS 错误码，密钥相关部分",
		"PED, base -300":                                             "PED，基数 -300",
		"legacy PED status byte":                                     "旧款 PED 状态字节",
		"PED, base -300, ordinals outside the PAX header":            "PED，基数 -300，百富头文件未列的序号",
		"CKR return values":                                          "CKR 返回值",
		"per command (command/code)":                                 "按命令（命令/错误码）",
		"standard error codes":                                       "通用错误码",
		"message 02 key load (message/status)":                       "02 报文灌密钥（报文/状态）",
		"messages 70, Z60, Z62, answered by 71 (message/status)":     "70、Z60、Z62 报文，由 71 应答（报文/状态）",
		"RESP_CODE (legacy)":                                         "RESP_CODE（旧版）",
		"01-protocol injection reply, status byte":                   "01 协议灌装应答，状态字节",
	}[name]
	if zh == "" {
		zh = name
	}
	return text.Of(text.Words{EN: name, ZH: zh})
}
