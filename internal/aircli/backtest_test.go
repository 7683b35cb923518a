package aircli_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tideway/internal/aircli"
)

// stationFile is a station of so many hours whose NO2 has a daily course.
func stationFile(t *testing.T, name string, hours int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("No,year,month,day,hour,PM2.5,NO2,TEMP,PRES,DEWP,RAIN,wd,WSPM,station\n")
	for i := range hours {
		at := time.Date(2020, 1, 1, i, 0, 0, 0, time.UTC)
		no2 := strconv.FormatFloat(40+20*math.Sin(float64(i)*math.Pi/12)+10*math.Sin(float64(i)/37), 'f', 1, 64)
		if i%29 == 0 {
			no2 = "NA"
		}
		fmt.Fprintf(&b, "%d,%d,%d,%d,%d,30,%s,5,1010,1,0,NW,%.1f,%s\n", i+1, at.Year(), at.Month(), at.Day(), at.Hour(), no2, 2+math.Sin(float64(i)/37), name)
	}
	return file(t, name+".csv", b.String())
}

func TestBacktestOfStations(t *testing.T) {
	var b strings.Builder
	out, model := filepath.Join(t.TempDir(), "p.csv"), filepath.Join(t.TempDir(), "m.bin")
	c := aircli.BacktestCmd{Values: []string{stationFile(t, "a", 1400)}, More: []string{stationFile(t, "b", 1400)}, Target: "NO2", TrainUntil: "2020-02-20",
		Hours: []int{1, 24}, FutureWeather: true, Predictions: out, Save: model, JSON: true, Quiet: true}
	if err := c.Run(&b); err != nil {
		t.Fatal(err)
	}
	v := object(t, b.String())
	models := v["models"].([]any)
	if v["train_rows"] != 1200. || v["origins"] != 200. || len(models) != 3 {
		t.Fatalf("report %v", v)
	}
	mae := func(model, horizon int) float64 {
		return models[model].(map[string]any)["horizons"].([]any)[horizon].(map[string]any)["mae"].(float64)
	}
	if mae(0, 0) > mae(1, 0) || mae(0, 0) > mae(2, 0) {
		t.Errorf("1 h ahead MAE %.2f, climatology %.2f, persistence %.2f", mae(0, 0), mae(1, 0), mae(2, 0))
	}
	rows := csvRows(t, out)
	if len(rows) != 1+200*2*2 || strings.Join(rows[0], ",") != "model,origin,sensor,step,predicted,lo90,hi90,p_congested" {
		t.Fatalf("%d prediction rows, header %v", len(rows), rows[0])
	}
	if first := strings.Join(rows[1][:4], ","); first != "air_boost,1199,a,1" {
		t.Errorf("first prediction is %s", first)
	}
}

func TestBacktestSaysWhatIsWrong(t *testing.T) {
	good := stationFile(t, "a", 1300)
	for _, c := range []struct {
		cmd  aircli.BacktestCmd
		want []string
	}{
		{aircli.BacktestCmd{Values: []string{good, "absent.csv"}, Target: "PM3", TrainUntil: "soon"}, []string{"PM3", "soon", "absent.csv"}},
		{aircli.BacktestCmd{Values: []string{good}, Target: "NO2", TrainUntil: "2031-01-01"}, []string{"2031-01-01", "2020-01-01"}},
		{aircli.BacktestCmd{Values: []string{good}, Target: "NO2", TrainUntil: "2020-02-20", Hours: []int{5, 99}}, []string{"1 to 72"}},
		{aircli.BacktestCmd{Values: []string{good, good}, Target: "NO2", TrainUntil: "2020-02-20"}, []string{"twice"}},
		{aircli.BacktestCmd{Values: []string{good}, Target: "O3", TrainUntil: "2020-02-20"}, []string{"O3"}},
	} {
		c.cmd.Quiet = true
		err := c.cmd.Run(&strings.Builder{})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: no %q", err, want)
			}
		}
	}
}
