package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"tideway/internal/twin"
)

type workerCmd struct {
	NATS    string `name:"nats" required:"" help:"URL of the NATS server that the service uses too."`
	Synced  bool   `name:"nats-synced" help:"Vouch that the server has sync_interval: always, where it does not tell."`
	Workers int    `default:"1" help:"Runs worked on at a time."`
	Threads int    `help:"Cores of one run; default all."`
}

// Run works on scenario runs until interrupted.
func (c *workerCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return twin.Work(ctx, twin.WorkerOptions{NATS: c.NATS, Synced: c.Synced, Workers: c.Workers, Threads: c.Threads, Report: report})
}
