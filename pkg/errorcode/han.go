package errorcode

// Chinese as people type it: traditional characters, and the commonest misspellings of the trade.

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// Plain writes Chinese in simplified characters and puts the commonest misspellings of the trade right: 金鑰, 秘钥 and 密匙
// are 密钥, 效验 and 检查值 are 校验 and 校验值, 韌體 is 固件. It changes no other character, and every character keeps its place.
func Plain(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= firstHan }) < 0 {
		return s
	}
	runes := []rune(s)
	for i := range runes {
		runes[i] = simple(runes[i])
	}
	respell(runes)
	return string(runes)
}

// firstHan is where Chinese characters begin.
const firstHan = 0x4E00

// respell puts misspellings right in place: each has as many characters as what is meant.
func respell(runes []rune) {
	for i := 0; i+1 < len(runes); i++ {
		if runes[i] < firstHan {
			continue
		}
		switch {
		case strings.ContainsRune("秘金密", runes[i]) && strings.ContainsRune("钥匙", runes[i+1]):
			runes[i], runes[i+1] = '密', '钥'
		case strings.ContainsRune("效较校", runes[i]) && strings.ContainsRune("验检", runes[i+1]):
			runes[i], runes[i+1] = '校', '验'
		case runes[i] == '韧' && runes[i+1] == '体':
			runes[i], runes[i+1] = '固', '件'
		case runes[i] == '软' && runes[i+1] == '体':
			runes[i+1] = '件'
		case runes[i] == '网' && runes[i+1] == '路':
			runes[i+1] = '络'
		case i+2 < len(runes) && runes[i] == '检' && strings.ContainsRune("查验", runes[i+1]) && runes[i+2] == '值':
			runes[i], runes[i+1] = '校', '验'
		}
	}
}

// simple gives the simplified form of a traditional character, for those that the trade's sentences need.
func simple(r rune) rune {
	const size = 3 // bytes of each character of the lists
	if r < firstHan {
		return r
	}
	char := string(r)
	n := sort.Search(len(traditional)/size, func(n int) bool { return traditional[n*size:(n+1)*size] >= char })
	if n*size >= len(traditional) || traditional[n*size:(n+1)*size] != char {
		return r
	}
	simplified, _ := utf8.DecodeRuneInString(simplifiedForms[n*size:])
	return simplified
}

// Characters of the two lists stand at the same places; the first is in the order of its characters.
const (
	traditional = "丟乾佈佔來係個們側偵備傳傷僅價儀億儘償優儲兇內兩凈凍凱別刪則剛剝創劃劉勁動務勝勞勢勵匯區協卻參吳" +
		"員問啓啟單嗎嘗噴圍圓圖團執報墊壓壞夠夾奪孫學實審寫寬寶將專尋對導屆屜層屬島嶺師帶幣幫幹幾庫廠廢張" +
		"彈彙後徑從復徵恆惡愛態慮憂憑憲憶應懷戰戶拋掃揚換損撥擇擊擔據擠擬擴攔攜攝攪敗敵數斷時晝暢暫曆曉曬" +
		"會東條棄楊業極構樁樓標樣樹機橫檢檯櫃權歐歡歷歸毀氣決沒沖況洩淨測湧準溝溫溼滿漲潔潛濃濕濾瀏灣災為" +
		"無煙熱燈燒營爾牆狀狹獎獨獲現環產畫異當療癥發盜盡監盤睜瞭碩確碼礎禮種稱積穩窮竊競筆節範築簡簽簾籃" +
		"籌籤糾紀約紅紋納紙級終組絕絡給統絲綁經綜綠綫維網緊緒線編緩緻縫縮縱總績繋織繞繫繳繼續罰羅義習聖聞" +
		"聯聰聲職聽脫腦膚膠臨臺與舉舊艙茲莊萬葉蓋藍藥蘇處虛號螢蟲術衛衝裏補裝裡製複規視覽觀觸訂計訊訓記訝" +
		"訪設許訴診証評詞詢試話該詳誌認誘語誠誤說誰課調談請論諾謊謝證識譜譯議護讀變讓豐負財貨貪責買費貼資" +
		"賣質賬購賽贈贏趕趙跡踐躍車軌軍軟較載輕輛輪輯輸轄轉辦辭農這連週運過達違遞遠適遲選遺還邊邏郵鄭鄰醫" +
		"釋釘鈅鈎鈔鈕銀銅銷銹鋁鋪錄錯錶鍊鍵鍾鎖鎮鎳鏈鏡鐘鐳鐵鑑鑒鑰長門閃閉開間閘閱關陣陰陳陸陽隊階際隨險" +
		"隱隻雙雜離難電霧靈靜韌韓響頁頂項順須預領頭頻題額顏類顧顯風颱飛餘馬騙驅驗驟體鬆鬧鳴麵麼黃點齊齡龍"
	simplifiedForms = "丢干布占来系个们侧侦备传伤仅价仪亿尽偿优储凶内两净冻凯别删则刚剥创划刘劲动务胜劳势励汇区协却参吴" +
		"员问启启单吗尝喷围圆图团执报垫压坏够夹夺孙学实审写宽宝将专寻对导届屉层属岛岭师带币帮干几库厂废张" +
		"弹汇后径从复征恒恶爱态虑忧凭宪忆应怀战户抛扫扬换损拨择击担据挤拟扩拦携摄搅败敌数断时昼畅暂历晓晒" +
		"会东条弃杨业极构桩楼标样树机横检台柜权欧欢历归毁气决没冲况泄净测涌准沟温湿满涨洁潜浓湿滤浏湾灾为" +
		"无烟热灯烧营尔墙状狭奖独获现环产画异当疗症发盗尽监盘睁了硕确码础礼种称积稳穷窃竞笔节范筑简签帘篮" +
		"筹签纠纪约红纹纳纸级终组绝络给统丝绑经综绿线维网紧绪线编缓致缝缩纵总绩系织绕系缴继续罚罗义习圣闻" +
		"联聪声职听脱脑肤胶临台与举旧舱兹庄万叶盖蓝药苏处虚号荧虫术卫冲里补装里制复规视览观触订计讯训记讶" +
		"访设许诉诊证评词询试话该详志认诱语诚误说谁课调谈请论诺谎谢证识谱译议护读变让丰负财货贪责买费贴资" +
		"卖质账购赛赠赢赶赵迹践跃车轨军软较载轻辆轮辑输辖转办辞农这连周运过达违递远适迟选遗还边逻邮郑邻医" +
		"释钉钥钩钞钮银铜销锈铝铺录错表链键钟锁镇镍链镜钟镭铁鉴鉴钥长门闪闭开间闸阅关阵阴陈陆阳队阶际随险" +
		"隐只双杂离难电雾灵静韧韩响页顶项顺须预领头频题额颜类顾显风台飞余马骗驱验骤体松闹鸣面么黄点齐龄龙"
)
