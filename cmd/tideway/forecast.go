package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"tideway/forecast"
	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/twin"
)

type forecastCmd struct {
	City    string        `required:"" type:"existingdir" help:"City folder."`
	Data    string        `required:"" env:"TIDEWAY_DATA_DIR" type:"existingdir" help:"Data folder of a service that is not running."`
	From    string        `required:"" placeholder:"TIME" help:"First tick: 2024-03-20 or 2024-03-20T06:00, by the city's clock, or RFC 3339."`
	To      string        `required:"" placeholder:"TIME" help:"Last tick."`
	Step    time.Duration `default:"1h" help:"Time between ticks."`
	Threads int           `help:"Cores to use; default all."`
	JSON    bool          `name:"json" help:"Print one JSON object."`
}

// Run forecasts the period and prints the skill.
func (c *forecastCmd) Run(k *kong.Context) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	city, _, err := gmns.ReadDir(c.City)
	if err != nil {
		return err
	}
	h := twin.Hindcast{Step: c.Step}
	if h.From, err = localTime(city, c.From); err != nil {
		return err
	}
	if h.To, err = localTime(city, c.To); err != nil {
		return err
	}
	skill, err := twin.RunHindcast(ctx, twin.Options{City: city, Dir: c.Data, Holidays: forecast.HolidaysOfZone(city.TimeZone.String()),
		Threads: c.Threads, Report: report}, h)
	if err != nil {
		return err
	}
	if skill == nil {
		return fmt.Errorf("nothing was measured from %s to %s that a forecast could be scored by", c.From, c.To)
	}
	if c.JSON {
		return json.NewEncoder(k.Stdout).Encode(map[string]any{"city_version": city.Version, "skill": scores(skill)})
	}
	return printSkill(k.Stdout, skill)
}

func localTime(city *geo.City, text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, city.TimeZone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time, expected 2024-03-20, 2024-03-20T06:00 or RFC 3339", text)
}

// score is a row of skill over all sensors as JSON; null where nothing counts.
type score struct {
	Quantity   string   `json:"quantity"`
	Unit       string   `json:"unit"`
	IntervalS  float64  `json:"interval_s"`
	Model      string   `json:"model"`
	Minutes    float64  `json:"minutes"`
	N          int      `json:"n"`
	MAE        *float64 `json:"mae"`
	RMSE       *float64 `json:"rmse"`
	MAELast    *float64 `json:"mae_last_value"`
	MAETypical *float64 `json:"mae_typical"`
	Coverage90 *float64 `json:"coverage90"`
	Coverage50 *float64 `json:"coverage50"`
}

func scores(s *forecast.Skill) []score {
	num := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	out := []score{}
	for _, r := range s.Rows {
		if r.Scope == forecast.ByAll {
			out = append(out, score{r.Quantity.String(), r.Quantity.Unit(), r.Interval.Seconds(), r.Model, r.Horizon.Minutes(), r.N,
				num(r.MAE), num(r.RMSE), num(r.MAELast), num(r.MAETypical), num(r.Coverage90), num(r.Coverage50)})
		}
	}
	return out
}

func printSkill(out io.Writer, s *forecast.Skill) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "quantity\tmodel\tahead\tn\tMAE\tlast value\ttypical day\tin 90 %\tin 50 %\t")
	for _, r := range s.Rows {
		if r.Scope == forecast.ByAll {
			fmt.Fprintf(w, "%s %s\t%s\t%s\t%d\t%.2f\t%.2f\t%.2f\t%.3f\t%.3f\t\n", r.Quantity, r.Quantity.Unit(), r.Model, r.Horizon, r.N,
				r.MAE, r.MAELast, r.MAETypical, r.Coverage90, r.Coverage50)
		}
	}
	return w.Flush()
}
