package minutes

// Blocks on pages: nothing is cut off, heads stay with what follows, rows too long for a page go on on the next.

// set sets the block at place i.
func (p *press) set(b block, i int) {
	switch b.Kind {
	case blockPage:
		if p.y > top {
			p.turn()
		}
	case blockName:
		p.need(p.together(i))
		p.name(b)
	case blockHeading:
		p.heading(b, i)
	case blockStep:
		p.step(b)
	case blockCut:
		p.scissors(i)
	case blockText:
		p.prose(b)
	case blockTable:
		p.table(b.Table)
	}
}

// scissors draws where to cut, unless what follows goes to the next page anyway.
func (p *press) scissors(i int) {
	if i+1 < len(p.Blocks) && p.y+8+p.together(i+1) > bottom {
		p.turn()
		return
	}
	p.y += 3
	p.pdf.SetDashPattern([]float64{2, 2}, 0)
	p.rule(0, p.y, pageWidth, grey, 0.2)
	p.pdf.SetDashPattern(nil, 0)
	p.y += 5
}

// together is how much of a page a name takes with the table below it, where they are not to be parted; as much as it
// needs, and no less than it asks for. What is higher than a page breaks all the same.
func (p *press) together(i int) float64 {
	b := p.Blocks[i]
	if b.Keep == 0 {
		return 0
	}
	high := p.nameHigh(b)
	if i+1 < len(p.Blocks) && p.Blocks[i+1].Kind == blockTable {
		t := p.Blocks[i+1].Table
		widths := t.widths()
		for _, row := range t.Rows {
			high += p.high(row, widths, t, false)
		}
		high += 2
	}
	return min(max(high, b.Keep), bottom-top)
}

// nameHigh is how high a name is set.
func (p *press) nameHigh(b block) float64 {
	room, st := p.nameRoom(b)
	high := float64(len(p.faces.lines(b.Text, st, room)))*st.line() + 1
	for _, c := range b.Lines {
		st := lineStyle(c)
		high += float64(len(p.faces.lines(c.Text, st, room))) * st.line()
	}
	if b.Code != "" {
		high = max(high, codeSide+4.5)
	}
	return high + 2
}

// nameRoom is how wide a name may be beside its code, and how it is set.
func (p *press) nameRoom(b block) (float64, style) {
	room, st := inner, style{Size: 17, Bold: true, Color: ink}
	if b.Code != "" {
		room -= codeSide + 6
	}
	if b.Level > 1 {
		st.Size = 13
	}
	return room, st
}

// lineStyle is how a line under a name is set.
func lineStyle(c cell) style {
	st := cellStyle(c, 10)
	if c.Tone == quiet {
		st.Size = smallSize
	}
	return st
}

// name is the paper's own name, what stands under it, and the code on the right.
func (p *press) name(b block) {
	room, st := p.nameRoom(b)
	if b.Code != "" {
		p.code(b.Code, right-codeSide, p.y, codeSide)
	}
	from, page := p.y, p.pdf.PageNo()
	p.column(p.faces.lines(b.Text, st, room), st)
	p.y++
	for _, c := range b.Lines {
		st := lineStyle(c)
		p.column(p.faces.lines(c.Text, st, room), st)
	}
	if b.Code != "" && p.pdf.PageNo() == page {
		st := style{Size: 6.5, Color: grey}
		s := p.cut(b.Aside, st, inner)
		p.put(right-p.faces.width(s, st), from+codeSide+1.5, 3, s, st)
		p.y = max(p.y, from+codeSide+4.5)
	}
	p.y += 2
}

// column writes lines one below the other; what does not fit goes on on the next page.
func (p *press) column(lines []string, st style) {
	for _, l := range lines {
		p.need(st.line())
		p.put(left, p.y, st.line(), l, st)
		p.y += st.line()
	}
}

func (p *press) heading(b block, i int) {
	st := style{Size: 12.5, Bold: true, Color: ink}
	if b.Level > 1 {
		st.Size = 10
	}
	lines := p.faces.lines(b.Text, st, inner)
	p.y += headingGap
	if b.Level > 1 {
		p.y -= 1.5
	}
	p.need(float64(len(lines))*st.line() + 2 + max(headingTie, p.least(i+1)))
	p.column(lines, st)
	p.y++
}

// least is how much of the next block must be on the page of its heading.
func (p *press) least(i int) float64 {
	if i >= len(p.Blocks) {
		return 0
	}
	b := p.Blocks[i]
	switch {
	case b.Kind == blockStep:
		return stepTie
	case b.Kind != blockTable:
		return b.Keep
	}
	high := 0.0
	widths := b.Table.widths()
	if b.Table.Headed {
		high = p.high(b.Table.head(), widths, b.Table, true)
	}
	for n, row := range b.Table.Rows {
		if n == 2 && b.Keep == 0 {
			break
		}
		high += p.high(row, widths, b.Table, false)
	}
	return min(high, (bottom-top)/2)
}

// step is a bar with the number and name of a step, what belongs to it on a second line.
func (p *press) step(b block) {
	st := style{Size: 9.5, Bold: true, Color: ink}
	if b.Tone != plain {
		st.Color = colorOf(b.Tone)
	}
	aside := style{Size: smallSize, Color: grey}
	lines := p.faces.lines(b.Text, st, inner-2*padX)
	under := p.faces.lines(b.Aside, aside, inner-2*padX)
	high := float64(len(lines))*st.line() + float64(len(under))*aside.line() + 2*padY
	p.y += 2.5
	p.need(high + headingTie)
	p.fill(shade, left, p.y, inner, padY)
	p.y += padY
	p.shaded(lines, st)
	p.shaded(under, aside)
	p.fill(shade, left, p.y, inner, padY)
	p.y += padY
}

// shaded writes lines on grey.
func (p *press) shaded(lines []string, st style) {
	for _, l := range lines {
		p.need(st.line())
		p.fill(shade, left, p.y, inner, st.line()+0.05)
		p.put(left+padX, p.y, st.line(), l, st)
		p.y += st.line()
	}
}

func (p *press) prose(b block) {
	st := style{Size: bodySize, Color: colorOf(b.Tone), Bold: b.Tone == bad}
	lines := p.faces.lines(b.Text, st, inner)
	p.need(min(3, float64(len(lines))) * st.line())
	p.column(lines, st)
	p.y += 1.5
}

func cellStyle(c cell, size float64) style {
	return style{Size: size, Bold: c.Bold, Mono: c.Mono, Color: colorOf(c.Tone)}
}

// styleAt is the style of a cell in its column.
func (t *table) styleAt(c cell, column int, head bool) style {
	st := cellStyle(c, bodySize)
	switch {
	case head:
		return style{Size: smallSize, Bold: true, Color: grey}
	case t.Labels && column%2 == 0:
		return style{Size: smallSize + 0.5, Color: grey}
	case c.Mono:
		st.Size = bodySize - 1
	}
	return st
}

func (t *table) widths() []float64 {
	sum := 0.0
	for _, c := range t.Columns {
		sum += c.Share
	}
	out := make([]float64, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = inner * c.Share / sum
	}
	return out
}

func (t *table) head() []cell {
	row := make([]cell, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = cell{Text: c.Title}
	}
	return row
}

// broken is a row whose cells are broken into lines.
func (p *press) broken(row []cell, widths []float64, t *table, head bool) [][]string {
	out := make([][]string, len(row))
	for i, c := range row {
		if c.Text != "" {
			out[i] = p.faces.lines(c.Text, t.styleAt(c, i, head), widths[i]-2*padX)
		}
	}
	return out
}

// high is the height of a row.
func (p *press) high(row []cell, widths []float64, t *table, head bool) float64 {
	return p.highOf(row, p.broken(row, widths, t, head), t, head)
}

func (p *press) highOf(row []cell, broken [][]string, t *table, head bool) float64 {
	high := 0.0
	for i, c := range row {
		high = max(high, float64(len(broken[i]))*t.styleAt(c, i, head).line())
	}
	high += 2 * padY
	if t.High > 0 && !head {
		high = max(high, t.High)
	}
	return high
}

func (p *press) table(t *table) {
	widths := t.widths()
	head := func() {
		if t.Headed {
			row := t.head()
			p.row(row, p.broken(row, widths, t, true), widths, t, true)
		}
	}
	if len(t.Rows) > 0 {
		first := p.high(t.Rows[0], widths, t, false)
		if t.Headed {
			first += p.high(t.head(), widths, t, true)
		}
		p.need(min(first, (bottom-top)/2))
	}
	head()
	for _, row := range t.Rows {
		rest := p.broken(row, widths, t, false)
		for again := false; len(rest) > 0; again = true {
			high := p.highOf(row, rest, t, false)
			if p.y+high <= bottom {
				p.row(row, rest, widths, t, false)
				break
			}
			room := bottom - p.y
			if again || high > (bottom-top)/2 && room > 30 {
				var now [][]string
				if now, rest = t.split(row, rest, room-2*padY); now != nil {
					p.row(row, now, widths, t, false)
				}
			}
			p.turn()
			p.again(t)
			head()
		}
	}
	p.y += 2
}

// again says on a new page what the table is that goes on there.
func (p *press) again(t *table) {
	if t.Again == "" {
		return
	}
	st := style{Size: smallSize, Color: grey}
	p.put(left+padX, p.y, st.line()+1, p.cut(t.Again, st, inner-2*padX), st)
	p.y += st.line() + 1
	p.rule(left, p.y, right, hair, 0.15)
}

// split takes as many lines of every cell as fit.
func (t *table) split(row []cell, broken [][]string, room float64) (now, rest [][]string) {
	now, rest = make([][]string, len(broken)), make([][]string, len(broken))
	took := false
	for i := range broken {
		n := min(len(broken[i]), max(0, int(room/t.styleAt(row[i], i, false).line())))
		now[i], rest[i] = broken[i][:n], broken[i][n:]
		took = took || n > 0
	}
	if !took {
		return nil, broken
	}
	return now, rest
}

// row draws one row at y.
func (p *press) row(row []cell, broken [][]string, widths []float64, t *table, head bool) {
	high := p.highOf(row, broken, t, head)
	x := left
	for i, c := range row {
		label := t.Labels && i%2 == 0
		if head || t.Form && label {
			p.fill(shade, x, p.y, widths[i], high)
		}
		st := t.styleAt(c, i, head)
		y := p.y + padY
		for _, l := range broken[i] {
			p.put(x+padX, y, st.line(), l, st)
			if c.Struck && l != "" {
				p.rule(x+padX, y+st.line()/2, x+padX+p.faces.width(l, st), ink, 0.25)
			}
			y += st.line()
		}
		if t.Form {
			p.frame(x, p.y, widths[i], high, hair, 0.25)
		} else if c.Write {
			p.rule(x+padX, p.y+high-1, x+widths[i]-padX, grey, 0.2)
		}
		x += widths[i]
	}
	p.y += high
	if !t.Form {
		p.rule(left, p.y, right, hair, 0.15)
	}
}
