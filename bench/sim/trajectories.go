package sim

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
)

// Second is one second of SUMO's trajectories (its fcd-output).
type Second struct {
	TimeS    float64 `xml:"time,attr"`
	Vehicles []struct {
		ID       string  `xml:"id,attr"`
		Lane     string  `xml:"lane,attr"`
		PosM     float64 `xml:"pos,attr"`
		SpeedMPS float64 `xml:"speed,attr"`
	} `xml:"vehicle"`
}

// Trajectories reads a file of trajectories, one second after the other.
func Trajectories(file string, visit func(Second)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for in := xml.NewDecoder(f); ; {
		t, err := in.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local == "timestep" {
			var s Second
			if err := in.DecodeElement(&s, &start); err != nil {
				return err
			}
			visit(s)
		}
	}
}
