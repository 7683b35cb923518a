package match

import (
	"strings"
	"unicode"
)

type nameVerdict uint8

const (
	noName nameVerdict = iota // one of the two is not named
	sameName
	otherName
)

// compareNames tells whether two street names are of the same street. Kinds of
// street, short words and initials do not count: VIALE M. K. GANDHI and Viale
// Gandhi are the same.
func compareNames(a, b string) nameVerdict {
	x, y := words(a), words(b)
	if len(x) == 0 || len(y) == 0 {
		return noName
	}
	common := 0
	for _, w := range x {
		for _, v := range y {
			if w == v {
				common++
				break
			}
		}
	}
	if 2*common >= min(len(x), len(y)) {
		return sameName
	}
	return otherName
}

// kinds of street in the languages of the cities at hand.
var kinds = map[string]bool{"via": true, "viale": true, "vicolo": true, "piazza": true, "largo": true, "corso": true, "street": true, "road": true, "avenue": true,
	"drive": true, "lane": true, "boulevard": true, "the": true, "strasse": true, "straße": true, "platz": true, "weg": true, "rue": true, "place": true,
	"rua": true, "avenida": true, "calle": true, "dei": true, "delle": true, "della": true, "del": true, "von": true, "und": true}

func words(s string) (out []string) {
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(w) >= 3 && !kinds[w] {
			out = append(out, w)
		}
	}
	return out
}
