// Package forecastcli is the body of `tideway backtest`: it opens files, runs
// forecast/backtest and prints what came out.
package forecastcli

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"tideway/forecast"
	"tideway/forecast/backtest"
)

// BacktestCmd is the command `tideway backtest`.
type BacktestCmd struct {
	Values         string        `required:"" help:"Wide CSV (.gz): header of sensor ids, optional first column of times, one row per step, empty = missing."`
	Start          string        `help:"Begin of the first row, when the file has no times (2012-03-01T00:00)."`
	Interval       time.Duration `help:"Time between rows; default: from the file's times."`
	Timezone       string        `default:"UTC" help:"Zone of the local clock and of times without an offset."`
	Adjacency      string        `help:"CSV (.gz): matrix of weights 0 to 1, or a list from,to,weight or from,to,distance." xor:"relation"`
	Locations      string        `help:"CSV: sensor_id, latitude, longitude." xor:"relation"`
	Unit           string        `required:"" enum:"mph,kmh,veh" help:"mph, kmh or veh (counts per interval)."`
	TrainRows      int           `required:"" help:"Rows to learn from; every window whose targets lie behind them is forecast."`
	Steps          int           `default:"12" help:"Steps ahead."`
	Protocol       string        `default:"steps" enum:"steps,cumulative" help:"Error at each step, or mean from the first step to each."`
	CongestedBelow float64       `help:"Speed below which a road is congested, in the unit of the values; default 60 % of free flow."`
	MaskZeros      bool          `help:"Zeros are missing values."`
	HideFraction   float64       `help:"Share of sensors to hide, to tell them from the others."`
	HideSeed       uint64        `default:"1" help:"Which sensors are hidden."`
	HideHistory    bool          `help:"Hidden sensors have the training rows as history (an outage); default: never sensed."`
	Holidays       string        `help:"File of dates, or a region (IT, DE, DE-BE, CN, US, AU-VIC); default: those of the time zone."`
	Predictions    string        `help:"Write the serving model's predictions to this CSV (.gz)."`
	Frozen         bool          `help:"Keep the profile of the training rows instead of fitting it anew every night."`
	Relearn        time.Duration `help:"Learn again after so much time of test rows (168h); default never."`
	Baseline       bool          `help:"No learned model."`
	Threads        int           `help:"Cores to use; default all."`
	JSON           bool          `name:"json" help:"Print one JSON object."`
	Quiet          bool          `help:"No progress."`
}

// Run carries out the backtest.
func (c *BacktestCmd) Run(k *kong.Context) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if !c.Quiet {
		cfg.Progress = newMeter(k.Stderr).show
	}
	result, err := c.run(ctx, cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(k.Stdout).Encode(result)
	}
	return table(k.Stdout, result)
}

func (c *BacktestCmd) run(ctx context.Context, cfg backtest.Config) (*backtest.Result, error) {
	if c.Predictions == "" {
		return backtest.Run(ctx, cfg)
	}
	out, err := create(c.Predictions)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	w.WriteString("model,origin,sensor,step,predicted,lo90,hi90,p_congested\n")
	line := []byte{}
	cfg.Predictions = func(p backtest.Prediction) error {
		line = appendPrediction(line[:0], p)
		_, err := w.Write(line)
		return err
	}
	result, err := backtest.Run(ctx, cfg)
	return result, errors.Join(err, w.Flush(), out.Close())
}

func appendPrediction(b []byte, p backtest.Prediction) []byte {
	b = append(append(b, p.Model...), ',')
	b = append(strconv.AppendInt(b, int64(p.Origin), 10), ',')
	b = append(append(b, p.Sensor...), ',')
	b = strconv.AppendInt(b, int64(p.Step), 10)
	for _, v := range [4]float32{p.Predicted, p.Lo90, p.Hi90, p.PCongested} {
		b = append(b, ',')
		if v == v { // not a number is left empty
			b = strconv.AppendFloat(b, float64(v), 'g', 7, 32)
		}
	}
	return append(b, '\n')
}

// config reads the files the flags name.
func (c *BacktestCmd) config() (cfg backtest.Config, err error) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return cfg, fmt.Errorf("time zone %q: %w", c.Timezone, err)
	}
	cfg = backtest.Config{
		Zone: zone, Unit: backtest.Unit(c.Unit), TrainRows: c.TrainRows, Steps: c.Steps, Protocol: backtest.Protocol(c.Protocol),
		CongestedBelow: c.CongestedBelow, Hide: backtest.Hide{Share: c.HideFraction, Seed: c.HideSeed, History: c.HideHistory},
		Threads: c.Threads, Frozen: c.Frozen, RelearnEvery: c.Relearn, CPU: processorTime,
	}
	if !c.Baseline {
		cfg.Learners = Learners()
	}
	if cfg.Holidays, err = holidays(c.Holidays, c.Timezone); err != nil {
		return cfg, err
	}
	if cfg.Table, err = c.table(zone); err != nil {
		return cfg, err
	}
	cfg.Relation, err = c.relation(cfg.Table.Sensors)
	return cfg, err
}

func (c *BacktestCmd) table(zone *time.Location) (*backtest.Table, error) {
	cfg := backtest.TableConfig{Interval: c.Interval, Zone: zone, Zeros: c.MaskZeros}
	if c.Start != "" {
		t, err := backtest.ParseTime(c.Start, zone)
		if err != nil {
			return nil, fmt.Errorf("start: %w", err)
		}
		cfg.Start = t
	}
	return readFile(c.Values, func(r io.Reader) (*backtest.Table, error) { return backtest.ReadTable(r, c.Values, cfg) })
}

func (c *BacktestCmd) relation(sensors []string) (backtest.Relation, error) {
	switch {
	case c.Adjacency != "":
		return readFile(c.Adjacency, func(r io.Reader) (backtest.Relation, error) { return backtest.ReadAdjacency(r, c.Adjacency, sensors) })
	case c.Locations != "":
		return readFile(c.Locations, func(r io.Reader) (backtest.Relation, error) { return backtest.ReadLocations(r, c.Locations, sensors) })
	}
	return backtest.Relation{}, nil
}

// holidays returns the calendar a flag names: a file, a region, or by default
// that of the time zone.
func holidays(name, zone string) (forecast.Holidays, error) {
	if name == "" {
		return forecast.HolidaysOfZone(zone), nil
	}
	h, unknown := forecast.HolidaysIn(name)
	if unknown == nil {
		return h, nil
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, unknown
	}
	return readFile(name, func(r io.Reader) (forecast.Holidays, error) { return forecast.ReadHolidays(r, name) })
}

// readFile opens a file, through gzip when its name says so.
func readFile[T any](name string, read func(io.Reader) (T, error)) (out T, err error) {
	f, err := os.Open(name)
	if err != nil {
		return out, err
	}
	defer f.Close()
	if !strings.HasSuffix(name, ".gz") {
		return read(bufio.NewReader(f))
	}
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return out, fmt.Errorf("reading %s: %w", name, err)
	}
	return read(z)
}

// create makes a file, through gzip when its name says so.
func create(name string) (io.WriteCloser, error) {
	f, err := os.Create(name)
	if err != nil || !strings.HasSuffix(name, ".gz") {
		return f, err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	return both{z, f}, err
}

// both is a compressor and the file below it.
type both struct {
	*gzip.Writer
	file *os.File
}

// Close ends the compressed stream and the file.
func (b both) Close() error { return errors.Join(b.Writer.Close(), b.file.Close()) }

// processorTime returns the time all cores have spent on this process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// meter shows progress: one line in place on a terminal, else one per tenth.
type meter struct {
	out      io.Writer
	terminal bool
	what     string
	tenth    int
	shown    time.Time
}

func newMeter(out io.Writer) *meter {
	m := &meter{out: out}
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			m.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return m
}

func (m *meter) show(what string, done float64) {
	tenth := int(done * 10)
	if !m.terminal && what == m.what && tenth == m.tenth || m.terminal && done < 1 && time.Since(m.shown) < 200*time.Millisecond {
		return
	}
	m.what, m.tenth, m.shown = what, tenth, time.Now()
	if m.terminal {
		fmt.Fprintf(m.out, "\r\033[K%s %3.0f %%", what, 100*done)
		if done >= 1 {
			fmt.Fprintln(m.out)
		}
		return
	}
	fmt.Fprintf(m.out, "%s %.0f %%\n", what, 100*done)
}

// table prints the result for people.
func table(out io.Writer, r *backtest.Result) error {
	fmt.Fprintf(out, "%d training rows, %d origins\n", r.TrainRows, r.Origins)
	for _, m := range r.Models {
		fmt.Fprintf(out, "\n%s (%s), training %.1f CPU-s, %.2f ms per origin\n", m.Name, m.Role, m.TrainCPUS, m.InferMS)
		fmt.Fprintf(out, "%7s %8s %8s %7s %7s %8s %8s %8s %8s %8s %8s\n", "minutes", "mae", "rmse", "mape", "wape", "cover90", "width90", "jam90", "p10", "recall", "precis.")
		for _, h := range m.Horizons {
			fmt.Fprintf(out, "%7.0f %8s %8s %7s %7s %8s %8s %8s %8s %8s %8s\n", h.Minutes, num(h.MAE, 3), num(h.RMSE, 3), num(h.MAPE, 2), num(h.WAPE, 2),
				num(h.Cover, 3), num(h.Range90, 2), num(h.CoverJam, 3), num(h.CoverP10, 3), num(h.Recall, 3), num(h.Precision, 3))
		}
	}
	if h := r.Hidden; h != nil {
		fmt.Fprintf(out, "\nhidden %.0f %% of sensors (%s, seed %d): mae %s, rmse %s\n", 100*h.Share, h.Mode, h.Seed, num(h.MAE, 3), num(h.RMSE, 3))
	}
	return nil
}

func num(v *float64, digits int) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', digits, 64)
}
