package synth

import (
	"math/rand/v2"
	"strconv"

	"tideway/geo"
	"tideway/internal/rng"
)

// words are what streets and quarters are named after, in two languages.
var words = [][2]string{
	{"Harbour", "港湾"}, {"Lantern", "灯塔"}, {"Willow", "柳树"}, {"Heron", "白鹭"}, {"Jade", "翡翠"}, {"Amber", "琥珀"}, {"Pine", "青松"}, {"Lotus", "莲花"},
	{"Coral", "珊瑚"}, {"Pearl", "明珠"}, {"Maple", "枫树"}, {"Crane", "仙鹤"}, {"Orchard", "果园"}, {"Bamboo", "竹林"}, {"Silver", "银河"}, {"Dawn", "晨光"},
	{"Moon", "月亮"}, {"Cloud", "云海"}, {"Spring", "春泉"}, {"Autumn", "秋实"}, {"Anchor", "船锚"}, {"Sail", "风帆"}, {"Tide", "潮汐"}, {"Island", "海岛"},
	{"River", "江河"}, {"Stone", "石桥"}, {"Garden", "花园"}, {"Temple", "古寺"}, {"Market", "集市"}, {"Station", "车站"}, {"Library", "书院"}, {"Bridge", "长桥"},
	{"Plum", "梅花"}, {"Orchid", "兰花"}, {"Peony", "牡丹"}, {"Cedar", "雪松"}, {"Swallow", "燕子"}, {"Dolphin", "海豚"}, {"Star", "星光"}, {"Rainbow", "彩虹"},
}

// ringName is the street around the city.
const ringName = "Ring Road 环城路"

// nameLines gives every line of the grid a name: words in a random order, with
// a number once they are used up.
func (g *grid) nameLines() {
	s := rng.New(g.seed, 0, rng.Names)
	order := rand.New(&s).Perm(len(words))
	g.names = make([]string, g.nx+g.ny)
	next := 0
	for k := range g.names {
		line, lines := k, g.nx
		if k >= g.nx {
			line, lines = k-g.nx, g.ny
		}
		if line == 0 || line == lines-1 {
			g.names[k] = ringName
			continue
		}
		g.names[k] = streetName(order, next, g.classOf(line, lines))
		next++
	}
}

func streetName(order []int, n int, class geo.RoadClass) string {
	w := words[order[n%len(order)]]
	number := ""
	if n >= len(order) {
		number = " " + strconv.Itoa(n/len(order)+1)
	}
	switch class {
	case geo.Primary:
		return w[0] + " Avenue" + number + " " + w[1] + "大道" + number
	case geo.Secondary:
		return w[0] + " Road" + number + " " + w[1] + "路" + number
	}
	return w[0] + " Street" + number + " " + w[1] + "街" + number
}

// lineName is the name of a row (across) or a column.
func (g *grid) lineName(across bool, line int) string {
	if across {
		return g.names[g.nx+line]
	}
	return g.names[line]
}

// quarterName names a zone.
func (g *grid) quarterName(n int) string {
	s := rng.New(g.seed, 1, rng.Names)
	order := rand.New(&s).Perm(len(words))
	w := words[order[n%len(order)]]
	if n >= len(order) {
		number := strconv.Itoa(n/len(order) + 1)
		return w[0] + " Quarter " + number + " " + w[1] + "片区" + number
	}
	return w[0] + " Quarter " + w[1] + "片区"
}
