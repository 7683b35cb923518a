package aircli

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tideway/forecast/air"
	"tideway/forecast/backtest"
	"tideway/internal/fault"
)

// BacktestCmd is tideway air backtest.
type BacktestCmd struct {
	Values        []string `required:"" help:"Hourly CSV (.gz) of one station each: year, month, day, hour, pollutants in µg/m³, weather, station." type:"path" placeholder:"FILE"`
	More          []string `arg:"" optional:"" name:"file" help:"More stations: --values may be followed by any number of files." type:"path"`
	Target        string   `required:"" help:"Pollutant to forecast: PM2.5, PM10, SO2, NO2, CO or O3." placeholder:"NAME"`
	TrainUntil    string   `required:"" help:"Learn from the hours before this date (2016-03-01) or hour (2016-03-01T06), on the stations' clock; forecast all that follow." placeholder:"DATE"`
	Hours         []int    `help:"Hours ahead, ascending." default:"1,6,12,24,48,72" placeholder:"N"`
	FutureWeather bool     `help:"The weather up to each target hour is known: what a perfect weather forecast is worth."`
	Predictions   string   `help:"Write all forecasts to this CSV (.gz): model, origin, sensor, step, predicted, lo90, hi90, p_congested." type:"path" placeholder:"FILE"`
	Save          string   `help:"Write the model to this file." type:"path" placeholder:"FILE"`
	Seed          uint64   `help:"Seed of the trees' samples." default:"1"`
	Threads       int      `help:"Cores to use; default all."`
	JSON          bool     `name:"json" help:"Print one JSON object."`
	Quiet         bool     `help:"No progress on standard error."`
}

// Run fits on the past and forecasts what follows.
func (c *BacktestCmd) Run(out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	data, cfg, end, err := c.prepare()
	if err != nil {
		return err
	}
	before, _ := used()
	model, err := air.Fit(ctx, data, end, cfg)
	if err != nil {
		return fmt.Errorf("air backtest: %w", err)
	}
	fitted, _ := used()
	if c.Save != "" {
		if err := c.save(model); err != nil {
			return err
		}
	}
	o, err := c.replay(ctx, &air.Replay{Data: data, Model: model, Train: end, Threads: c.Threads, Progress: c.progress("forecasting")})
	if err != nil {
		return fmt.Errorf("air backtest: %w", err)
	}
	done, _ := used()
	serving := part(servingName, "serving", o.Model)
	serving.TrainCPUS = (fitted - before).Seconds()
	serving.InferMS = 1000 * (done - fitted).Seconds() / float64(max(1, o.Origins))
	r := backtest.Result{TrainRows: end, Origins: o.Origins, Models: []backtest.ModelPart{
		serving, part("climatology", "baseline", o.Climatology), part("persistence", "baseline", o.Persistence),
	}}
	return report(out, c.JSON, r, func(w io.Writer) { printBacktest(w, c.Target, r) })
}

// servingName is the model's name in reports and prediction files.
const servingName = "air_boost"

// prepare reads the stations and checks the flags, all problems at once.
func (c *BacktestCmd) prepare() (*air.Data, air.Config, int, error) {
	var bad fault.List
	target, err := air.ParsePollutant(c.Target)
	bad.Add("target", err)
	until, err := parseUntil(c.TrainUntil)
	bad.Add("train-until", err)
	var stations []air.Station
	for _, name := range slices.Concat(c.Values, c.More) {
		s, err := readStation(name)
		bad.Add(name, err)
		stations = append(stations, s)
	}
	cfg := air.Config{Target: target, Steps: c.Hours, Ahead: c.FutureWeather, Seed: c.Seed, Threads: c.Threads, Progress: c.progress("learning")}
	if len(cfg.Steps) == 0 {
		cfg.Steps = []int{1, 6, 12, 24, 48, 72}
	}
	if err := bad.Err("air backtest"); err != nil {
		return nil, cfg, 0, err
	}
	data, err := air.Join(stations)
	if err != nil {
		return nil, cfg, 0, fmt.Errorf("air backtest: %w", err)
	}
	end := data.Index(until)
	if end < 1 || end >= data.Hours {
		return nil, cfg, 0, fmt.Errorf("air backtest: train-until %s, expected a time after %s and before %s, which the values span",
			c.TrainUntil, data.First.Format(time.DateTime), data.At(data.Hours).Format(time.DateTime))
	}
	return data, cfg, end, nil
}

func parseUntil(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15", "2006-01-02T15:04", "2006-01-02 15:04", time.DateTime, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC), nil
		}
	}
	return time.Time{}, fmt.Errorf("found %q, expected a date like 2016-03-01 or an hour like 2016-03-01T06", text)
}

// readStation reads one file; a station without a name is called as its file.
func readStation(name string) (air.Station, error) {
	f, err := openFile(name)
	if err != nil {
		return air.Station{}, err
	}
	defer f.Close()
	s, err := air.ReadCSV(f, name)
	if s.ID == "" {
		s.ID = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(name), ".gz"), ".csv")
	}
	return s, err
}

func (c *BacktestCmd) save(m *air.Model) error {
	var failed error
	err := writeFile(c.Save, func(w *bufio.Writer) { _, failed = m.WriteTo(w) })
	if err == nil {
		err = failed
	}
	return err
}

// replay forecasts and, where asked for, writes every forecast.
func (c *BacktestCmd) replay(ctx context.Context, r *air.Replay) (o *air.Outcome, err error) {
	if c.Predictions == "" {
		return r.Run(ctx)
	}
	var failed error
	err = writePacked(c.Predictions, func(w *bufio.Writer) {
		w.WriteString("model,origin,sensor,step,predicted,lo90,hi90,p_congested\n")
		var line []byte
		r.Predictions = func(p air.Prediction) error {
			line = appendForecast(line[:0], p)
			_, err := w.Write(line)
			return err
		}
		o, failed = r.Run(ctx)
	})
	if failed != nil {
		return nil, failed
	}
	return o, err
}

// writePacked is writeFile through gzip where the name ends in .gz.
func writePacked(path string, fill func(*bufio.Writer)) error {
	if !strings.HasSuffix(path, ".gz") {
		return writeFile(path, fill)
	}
	var failed error
	err := writeFile(path, func(w *bufio.Writer) {
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
		b := bufio.NewWriterSize(z, 1<<16)
		fill(b)
		failed = errors.Join(b.Flush(), z.Close())
	})
	return errors.Join(err, failed)
}

func appendForecast(b []byte, p air.Prediction) []byte {
	b = append(append(b, servingName...), ',')
	b = append(strconv.AppendInt(b, int64(p.Origin), 10), ',')
	b = append(append(b, csvField(p.Station)...), ',')
	b = strconv.AppendInt(b, int64(p.Step), 10)
	for _, v := range [3]float32{p.Value, p.Lo90, p.Hi90} {
		b = strconv.AppendFloat(append(b, ','), float64(v), 'g', 7, 32)
	}
	return append(b, ",\n"...) // congestion is of roads
}

// part turns scores into the stable keys; what is unknown is null.
func part(name, role string, scores []air.Score) backtest.ModelPart {
	p := backtest.ModelPart{Name: name, Role: role}
	for _, s := range scores {
		p.Horizons = append(p.Horizons, backtest.HorizonPart{
			Minutes: 60 * float64(s.Step), MAE: orNull(s.MAE), RMSE: orNull(s.RMSE), MAPE: orNull(s.MAPE), WAPE: orNull(s.WAPE),
			Cover: orNull(s.Coverage90), Range90: orNull(s.Span90), CoverJam: orNull(s.CoverageHigh), CoverP10: orNull(s.CoverageP10),
		})
	}
	return p
}

func orNull(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func printBacktest(w io.Writer, target string, r backtest.Result) {
	fmt.Fprintf(w, "%s: %d training hours, %d origins; training %.1f CPU-s, %.2f ms per origin\n", target, r.TrainRows, r.Origins, r.Models[0].TrainCPUS, r.Models[0].InferMS)
	fmt.Fprintf(w, "%6s %8s %8s %8s %8s %9s %9s %9s %9s\n", "hours", "mae", "rmse", "cover90", "width90", "climate", "of it", "persist", "of it")
	text := func(v *float64, digits int) string {
		if v == nil {
			return "-"
		}
		return strconv.FormatFloat(*v, 'f', digits, 64)
	}
	ratio := func(a, b *float64) *float64 {
		if a == nil || b == nil {
			return nil
		}
		return orNull(*a / *b)
	}
	for i, h := range r.Models[0].Horizons {
		climate, last := r.Models[1].Horizons[i].MAE, r.Models[2].Horizons[i].MAE
		fmt.Fprintf(w, "%6.0f %8s %8s %8s %8s %9s %9s %9s %9s\n", h.Minutes/60, text(h.MAE, 2), text(h.RMSE, 2), text(h.Cover, 3), text(h.Range90, 1),
			text(climate, 2), text(ratio(h.MAE, climate), 3), text(last, 2), text(ratio(h.MAE, last), 3))
	}
}

// progress returns a meter that prints a line per tenth, nil when quiet or when
// one object is all that is wanted and nobody watches.
func (c *BacktestCmd) progress(what string) func(float64) {
	if c.Quiet {
		return nil
	}
	tenth := 0
	return func(done float64) {
		if t := int(done * 10); t > tenth {
			tenth = t
			fmt.Fprintf(os.Stderr, "%s %d %%\n", what, 10*t)
		}
	}
}
