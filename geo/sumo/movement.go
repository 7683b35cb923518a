package sumo

import (
	"fmt"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

// maxChain bounds the internal lanes of one connection; SUMO uses two.
const maxChain = 8

// addMovements makes a movement of every connection between two streets.
func (im *importer) addMovements() {
	for i := range im.links {
		l := &im.links[i]
		if strings.HasPrefix(l.to, ":") {
			im.drop("connection", l.name(), "leads onto a footway or crossing, which are not part of the city")
			continue
		}
		im.addMovement(l)
	}
}

func (l *rawLink) name() string {
	return laneID(l.from, l.fromLane) + ">" + laneID(l.to, l.toLane)
}

func (im *importer) addMovement(l *rawLink) {
	from, ok1 := im.laneAt[laneID(l.from, l.fromLane)]
	to, ok2 := im.laneAt[laneID(l.to, l.toLane)]
	if !ok1 || !ok2 {
		im.bad.Addf(l.where, l.name(), "<connection> joins lanes that do not both exist")
		return
	}
	d := &im.draft
	chain := im.chain(l)
	p, wait := chainPath(chain)
	m := geo.Movement{From: from, To: to, Node: d.Segments[d.Lanes[from].Segment].To, Turn: turnOf[l.dir], Signal: geo.NoSignal,
		Limit: min(d.Lanes[from].Limit, d.Lanes[to].Limit), Length: p.length(), WaitAt: wait, Allow: l.allow, Clear: l.clear, Shape: p.line}
	for k, c := range chain {
		if k == 0 || unit.Speed(c.speed) < m.Limit {
			m.Limit = unit.Speed(c.speed)
		}
	}
	if len(chain) == 0 {
		m.Shape = orb.LineString{end(d.Lanes[from].Shape), d.Lanes[to].Shape[0]}
		p.line, p.at = m.Shape, []float64{0, 0}
	}
	m.Right = im.rightOfWay(l)
	im.setSignal(&m, l)
	d.Movements = append(d.Movements, m)
	im.paths = append(im.paths, p)
}

// chain returns the internal lanes that a connection runs over, in order.
func (im *importer) chain(l *rawLink) []*rawLane {
	var out []*rawLane
	for via := l.via; via != "" && len(out) < maxChain; via = im.next[via] {
		lane := im.inner[via]
		if lane == nil {
			im.bad.Addf(l.where, l.name(), "<connection> runs via lane %q, expected an internal lane of the network", via)
			break
		}
		out = append(out, lane)
	}
	return out
}

var turnOf = map[string]geo.Turn{"s": geo.Straight, "r": geo.Right, "R": geo.SlightRight, "l": geo.Left, "L": geo.SlightLeft, "t": geo.UTurn, "T": geo.UTurn}

var rightOf = map[string]geo.RightOfWay{
	"M": geo.Major, "O": geo.Major, "-": geo.Major, "G": geo.Major, "": geo.Major,
	"m": geo.GiveWay, "o": geo.GiveWay, "g": geo.GiveWay,
	"s": geo.Stop, "w": geo.AllWayStop, "=": geo.EqualRight,
}

// rightOfWay reads the connection's state, which at a signal is the one that
// holds when the signal is off.
func (im *importer) rightOfWay(l *rawLink) geo.RightOfWay {
	r, ok := rightOf[l.state]
	if ok {
		return r
	}
	why := fmt.Sprintf("connection state %q is not known", l.state)
	if l.state == "Z" {
		why = "lanes that merge alternately are taken as of equal right"
	}
	im.assume("movement", l.name(), "right_of_way", geo.EqualRight.String(), why)
	return geo.EqualRight
}

func (im *importer) setSignal(m *geo.Movement, l *rawLink) {
	if l.signal == "" {
		return
	}
	s, ok := im.signalAt[l.signal]
	if !ok || l.group < 0 {
		im.assume("movement", l.name(), "signal", "", fmt.Sprintf("signal %q has no program for it; right of way by signs", l.signal))
		return
	}
	m.Signal, m.Group = s, l.group
}
