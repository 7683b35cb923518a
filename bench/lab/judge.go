package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"tideway/bench/sim"
	"tideway/geo"
	"tideway/geo/sumo"
	"tideway/internal/parallel"
)

// judge runs SUMO on a case: one hour, nobody teleports, delay is the mean of
// time loss and departure delay over all vehicles scheduled in the hour, on the
// road or still waiting to enter at its end included.
type judge struct {
	c    sim.Case
	dir  string
	jobs int
}

func newJudge(c sim.Case, jobs int) (*judge, error) {
	if _, err := exec.LookPath("sumo"); err != nil {
		return nil, fmt.Errorf("the judge is not installed: %w", err)
	}
	dir, err := os.MkdirTemp("", "judge")
	return &judge{c, dir, jobs}, err
}

func (j *judge) close() { os.RemoveAll(j.dir) }

// delays returns the delay in seconds per seed, from first on, with the plans
// of city in force; a nil city leaves the network's own.
func (j *judge) delays(ctx context.Context, city *geo.City, first, n int) ([]float64, error) {
	args := []string{"-n", sim.Path(j.c.Net), "-b", fmt.Sprint(j.c.Begin.Seconds()), "-e", fmt.Sprint(j.c.End.Seconds()), "--time-to-teleport", "-1",
		"--no-step-log", "-X", "never", "--no-warnings", "--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted"}
	for _, r := range j.c.Routes {
		args = append(args, "-r", sim.Path(r))
	}
	add := ""
	for _, a := range j.c.Add {
		add += "," + sim.Path(a)
	}
	if city != nil {
		plans := filepath.Join(j.dir, "plans.add.xml")
		f, err := os.Create(plans)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if _, err := sumo.WritePlans(f, city); err != nil {
			return nil, err
		}
		add += "," + plans
	}
	if add != "" {
		args = append(args, "-a", add[1:])
	}
	seeds := make([]int, n)
	for i := range seeds {
		seeds[i] = first + i
	}
	return parallel.MapErr(ctx, j.jobs, seeds, func(ctx context.Context, seed int) (float64, error) {
		return j.run(ctx, args, seed)
	})
}

func (j *judge) run(ctx context.Context, args []string, seed int) (float64, error) {
	file := filepath.Join(j.dir, fmt.Sprintf("trips-%d.xml", seed))
	defer os.Remove(file)
	cmd := exec.CommandContext(ctx, "sumo", append(args[:len(args):len(args)], "--seed", strconv.Itoa(seed), "--tripinfo-output", file)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("sumo: %w: %s", err, text)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var list struct {
		Trips []struct {
			Loss   float64 `xml:"timeLoss,attr"`
			DelayS float64 `xml:"departDelay,attr"`
		} `xml:"tripinfo"`
	}
	if err := xml.Unmarshal(b, &list); err != nil {
		return 0, err
	}
	sum, n := 0.0, 0
	for _, t := range list.Trips {
		if t.DelayS < 0 { // after the hour: not scheduled
			continue
		}
		sum += max(0, t.Loss) + t.DelayS
		n++
	}
	return sum / float64(max(1, n)), nil
}
