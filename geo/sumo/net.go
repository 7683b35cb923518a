package sumo

import (
	"strings"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
)

// The raw records hold what the file says, ids as strings.

type rawEdge struct {
	id, from, to, name, kind, function string
	priority                           int
	shape                              orb.LineString
	lanes                              []rawLane
	where                              string
}

type rawLane struct {
	id                   string
	speed, length, width float64
	allow                geo.ClassSet
	shape                orb.LineString
}

type rawJunction struct {
	id, name, kind string
	xy             orb.Point
	incoming       []string // lanes
	internal       []string // lanes, the last of each chain, in request order
	requests       []rawRequest
	where          string
}

// rawRequest is one row of a junction's matrix. In response and foes the
// rightmost character stands for request 0.
type rawRequest struct {
	index          int
	response, foes string
}

type rawLink struct {
	from, to         string
	fromLane, toLane int
	via, signal      string
	group            int
	dir, state       string
	clear, pass      bool
	allow            geo.ClassSet
	where            string
}

type rawProgram struct {
	signal, id, kind string
	offset           time.Duration
	stages           []geo.Stage
	additional       bool
	file, where      string
}

func (im *importer) readNet(f File) {
	seen := false
	each(f, &im.bad, func(e *element) bool {
		switch e.name {
		case "net":
			seen = true
		case "location":
			im.location = readLocation(e)
		case "edge":
			im.edges = append(im.edges, readEdge(e))
		case "lane":
			im.readLane(e)
		case "junction":
			im.junctions = append(im.junctions, readJunction(e))
		case "request":
			im.readRequest(e)
		case "connection":
			im.readConnection(e)
		case "tlLogic":
			im.programs = append(im.programs, readProgram(e, f.Name, false))
		case "phase":
			im.readPhase(e)
		case "roundabout":
			for id := range strings.FieldsSeq(e.text("edges")) {
				im.round[id] = true
			}
		}
		return true
	})
	if !seen && im.bad.Len() == 0 {
		im.bad.Addf(f.Name, "", "has no <net> element, expected a SUMO network")
	}
}

func readEdge(e *element) rawEdge {
	return rawEdge{id: e.must("id"), from: e.text("from"), to: e.text("to"), name: e.text("name"), kind: e.text("type"),
		function: e.text("function"), priority: e.count("priority", -1e9, 1e9, 0), shape: e.line("shape"), where: e.where}
}

func (im *importer) readLane(e *element) {
	if len(im.edges) == 0 {
		e.wrong("stands outside an edge")
		return
	}
	edge := &im.edges[len(im.edges)-1]
	lane := rawLane{id: e.must("id"), speed: e.number("speed", 13.9), length: e.number("length", 0), width: e.number("width", defaultWidthM),
		allow: permission(e), shape: e.line("shape")}
	if i := e.count("index", 0, 1000, len(edge.lanes)); i != len(edge.lanes) && edge.function != "internal" {
		e.wrong("has index %d, expected %d: lanes are counted from the kerb", i, len(edge.lanes))
	}
	if len(lane.shape) < 2 {
		e.wrong("has a shape of %d points, expected at least 2", len(lane.shape))
	}
	if lane.speed <= 0 || lane.length <= 0 || lane.width <= 0 {
		e.wrong("has speed %v m/s, length %v m and width %v m, expected all above 0", lane.speed, lane.length, lane.width)
	}
	if edge.function == "internal" {
		im.inner[lane.id] = &lane
	}
	edge.lanes = append(edge.lanes, lane)
}

// defaultWidthM is the width of a SUMO lane that gives none.
const defaultWidthM = 3.2

func readJunction(e *element) rawJunction {
	return rawJunction{id: e.must("id"), name: e.text("name"), kind: e.text("type"), xy: orb.Point{e.number("x", 0), e.number("y", 0)},
		incoming: strings.Fields(e.text("incLanes")), internal: strings.Fields(e.text("intLanes")), where: e.where}
}

func (im *importer) readRequest(e *element) {
	if len(im.junctions) == 0 {
		e.wrong("stands outside a junction")
		return
	}
	j := &im.junctions[len(im.junctions)-1]
	r := rawRequest{index: e.count("index", 0, 1e6, 0), response: e.text("response"), foes: e.text("foes")}
	if strings.Trim(r.response+r.foes, "01") != "" {
		e.wrong("has response %q and foes %q, expected only 0 and 1", r.response, r.foes)
	}
	j.requests = append(j.requests, r)
}

// readConnection keeps links between streets and the chains of internal lanes.
func (im *importer) readConnection(e *element) {
	l := rawLink{from: e.must("from"), to: e.must("to"), fromLane: e.count("fromLane", 0, 1000, 0), toLane: e.count("toLane", 0, 1000, 0),
		via: e.text("via"), signal: e.text("tl"), group: e.count("linkIndex", -1, 1e4, -1), dir: e.text("dir"), state: e.text("state"),
		clear: e.truth("keepClear", true), pass: e.truth("pass", false), allow: permission(e), where: e.where}
	if !strings.HasPrefix(l.from, ":") {
		im.links = append(im.links, l)
		return
	}
	if from := laneID(l.from, l.fromLane); l.via != "" && im.inner[from] != nil {
		im.next[from] = l.via
	}
}
