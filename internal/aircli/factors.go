package aircli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tideway/sim/air/emission"
	"tideway/unit"
)

// FactorsCmd is tideway air factors.
type FactorsCmd struct {
	Table     string  `help:"CSV with the columns of the EMEP/EEA hot emission table (.gz is unpacked): evaluates every row at its check speed." type:"path" placeholder:"FILE"`
	Class     string  `help:"Vehicle class of the shipped table, e.g. PC_D_IV." placeholder:"ID"`
	Pollutant string  `help:"NOx, NO2, CO, PM (exhaust), EC (energy), Fuel, CO2, PM10 or PM2.5 (with wear)." default:"NOx"`
	SpeedKMH  float64 `name:"speed" help:"Mean speed in km/h." default:"30"`
	Slope     float64 `help:"Rise over run, trucks and buses only."`
	Load      float64 `help:"Share of payload, trucks and buses only." default:"0.5"`
	Out       string  `help:"With --table: write one value a row to this file." type:"path" placeholder:"FILE"`
	JSON      bool    `help:"Print one JSON object."`
}

// Run evaluates the table or the one function and reports to out.
func (c *FactorsCmd) Run(out io.Writer) error {
	switch {
	case c.Table != "" && c.Class != "":
		return errors.New("air factors: give --table or --class, not both")
	case c.Table != "":
		return c.table(out)
	case c.Class != "":
		return c.one(out)
	}
	return errors.New("air factors: --table FILE or --class ID is needed")
}

type factorsReport struct {
	Rows      int                  `json:"rows"`
	Checked   int                  `json:"checked"`
	Undefined int                  `json:"undefined"`
	MaxRelDev float64              `json:"max_rel_dev"`
	Worst     []emission.Deviation `json:"worst"`
}

func (c *FactorsCmd) table(out io.Writer) error {
	f, err := openFile(c.Table)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := emission.ReadRows(bufio.NewReader(f), c.Table)
	if err != nil {
		return err
	}
	got := emission.Check(rows)
	if c.Out != "" {
		if err := writeFile(c.Out, func(w *bufio.Writer) {
			for _, v := range got.Values {
				w.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
				w.WriteByte('\n')
			}
		}); err != nil {
			return err
		}
	}
	r := factorsReport{len(rows), got.Checked, len(got.Undefined), got.MaxRelDev, got.Worst}
	return report(out, c.JSON, r, func(w io.Writer) {
		fmt.Fprintf(w, "%d rows, %d with a check value, largest relative deviation %.2g; %d rows undefined (0/0, taken as 0)\n",
			r.Rows, r.Checked, r.MaxRelDev, r.Undefined)
		for _, d := range r.Worst {
			if d.RelDev > 1e-6 {
				fmt.Fprintf(w, "  line %d %s: %g, check value %g (%.2g)\n", d.Line, d.Name, d.Value, d.Check, d.RelDev)
			}
		}
	})
}

type factorReport struct {
	Class     string  `json:"class"`
	Pollutant string  `json:"pollutant"`
	SpeedKMH  float64 `json:"speed_kmh"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	IdlePerH  float64 `json:"idle_per_h"`
	Source    string  `json:"source"`
}

func (c *FactorsCmd) one(out io.Writer) error {
	class, err := emission.Default().Class(c.Class)
	if err != nil {
		return fmt.Errorf("air factors: %w", err)
	}
	if !(c.SpeedKMH > 0) {
		return fmt.Errorf("air factors: speed is %g km/h, expected more than 0", c.SpeedKMH)
	}
	r := factorReport{Class: c.Class, Pollutant: c.Pollutant, SpeedKMH: c.SpeedKMH, Unit: "g/km", Source: emission.Source}
	if pick, ok := derived[strings.ToUpper(c.Pollutant)]; ok {
		r.Value = pick(c.rates(class, c.SpeedKMH)).GKM()
		r.IdlePerH = pick(c.rates(class, standingKMH)).GKM() * standingKMH
		return c.print(out, r)
	}
	p, err := emission.ParsePollutant(c.Pollutant)
	if err != nil {
		return fmt.Errorf("air factors: %w, NO2, Fuel, CO2, PM10, PM2.5", err)
	}
	r.Pollutant = p.String()
	r.Value = class.Hot(p, unit.Speed(c.SpeedKMH)*unit.KMH, unit.Share(c.Slope), unit.Share(c.Load))
	r.IdlePerH = class.Idle(p, unit.Share(c.Load))
	if p == emission.EC {
		r.Unit = "MJ/km"
	}
	return c.print(out, r)
}

// derived are the pollutants that follow from the functions.
var derived = map[string]func(emission.Rates) unit.MassPerLength{
	"NO2":   func(r emission.Rates) unit.MassPerLength { return r.NO2 },
	"FUEL":  func(r emission.Rates) unit.MassPerLength { return r.Fuel },
	"CO2":   func(r emission.Rates) unit.MassPerLength { return r.CO2 },
	"PM10":  emission.Rates.PM10,
	"PM2.5": emission.Rates.PM25,
	"PM25":  emission.Rates.PM25,
}

// standingKMH is a speed low enough to idle nearly all the time.
const standingKMH = .1

func (c *FactorsCmd) rates(class *emission.Class, speedKMH float64) emission.Rates {
	return emission.Default().Rates(class, unit.Speed(speedKMH)*unit.KMH, emission.Road{Slope: unit.Share(c.Slope), Load: unit.Share(c.Load)})
}

func (c *FactorsCmd) print(out io.Writer, r factorReport) error {
	return report(out, c.JSON, r, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s at %g km/h: %.4g %s; idling %.4g %s\n%s\n", r.Class, r.Pollutant, r.SpeedKMH, r.Value, r.Unit, r.IdlePerH, strings.TrimSuffix(r.Unit, "km")+"h", r.Source)
	})
}
