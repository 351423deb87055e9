package app

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// writeBuckets are seconds that a disk or a database takes to write.
var writeBuckets = []float64{.0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}

// registerGauges lets Prometheus ask for the state of the parts. docs/observability.md lists them.
func (a *App) registerGauges() {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gantry_build_info", Help: "1, labelled with what runs.",
		ConstLabels: prometheus.Labels{"version": a.version, "go_version": runtime.Version()},
	})
	build.Set(1)
	a.reg.MustRegister(build)
	a.gauge("gantry_requests_in_flight", "Inference requests under way.", func() float64 { return float64(a.relay.InFlight()) })
	a.gauge("gantry_config_version", "Version of the configuration by which requests are routed.", func() float64 {
		return float64(a.relay.Snapshot().Version)
	})
	if j, ok := a.journal.(interface{ Backlog() int }); ok {
		a.gauge("gantry_journal_backlog", "Records of calls that the database does not have yet.", func() float64 {
			return float64(j.Backlog())
		})
	}
	a.gauge("gantry_nodes", "Nodes that are alive, as this one counts them.", func() float64 {
		return float64(max(1, a.nodes.Load()))
	})
	if a.redis != nil {
		a.registerSharing()
	}
}

// registerSharing tells how limits are held together with other nodes.
func (a *App) registerSharing() {
	a.gauge("gantry_limits_redis_up", "1 when Redis answers, 0 when each node goes by its part of the limits.", func() float64 {
		if a.redis.Ping(context.Background()) != nil {
			return 0
		}
		return 1
	})
	a.reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "gantry_limits_fallbacks_total", Help: "Requests that were limited by the node's part because Redis was away.",
	}, func() float64 { return float64(a.limiting.windows.SharingState().Fallbacks) }))
}

func (a *App) gauge(name, help string, value func() float64) {
	a.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// journalMeters time what the journal asks of the disk and of the database.
type journalMeters struct {
	now     clock.Clock
	sync    prometheus.Histogram
	apply   prometheus.Histogram
	records prometheus.Counter
	failed  prometheus.Counter
	waiting atomic.Int64 // when the oldest record of the batch under way ended, Unix nanoseconds; 0: there is none
}

// openMeters registers them before the journal is started, which may have something to write at once.
func (a *App) openMeters(context.Context) error {
	a.meters.now = a.now
	a.meters.sync = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "gantry_journal_commit_duration_seconds", Help: "Time to make a group of journal entries durable.", Buckets: writeBuckets,
	})
	a.meters.apply = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "gantry_journal_apply_duration_seconds", Help: "Time to write a batch of records to the database.", Buckets: writeBuckets,
	})
	a.meters.records = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "gantry_journal_records_total", Help: "Records that were written to the database.",
	})
	a.meters.failed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "gantry_journal_apply_failures_total", Help: "Batches that the database did not take; they are tried again.",
	})
	a.reg.MustRegister(a.meters.sync, a.meters.apply, a.meters.records, a.meters.failed)
	a.gauge("gantry_journal_lag_seconds", "Age of the oldest record that is being written to the database; 0 when none is.", a.meters.lag)
	return nil
}

func (m *journalMeters) lag() float64 {
	since := m.waiting.Load()
	if since == 0 {
		return 0
	}
	return m.now().Sub(time.Unix(0, since)).Seconds()
}

func (m *journalMeters) disk(d journal.Disk) journal.Disk { return timedDisk{d, m} }

func (m *journalMeters) sink(s journal.Sink) journal.Sink { return timedSink{s, m} }

// timedDisk is a disk whose files' syncs are timed.
type timedDisk struct {
	journal.Disk

	meters *journalMeters
}

// Create implements journal.Disk.
func (d timedDisk) Create(path string) (journal.DiskFile, error) {
	f, err := d.Disk.Create(path)
	if err != nil {
		return nil, err
	}
	return timedFile{f, d.meters}, nil
}

type timedFile struct {
	journal.DiskFile

	meters *journalMeters
}

// Sync implements journal.DiskFile.
func (f timedFile) Sync() error {
	began := f.meters.now()
	err := f.DiskFile.Sync()
	f.meters.sync.Observe(f.meters.now().Sub(began).Seconds())
	return err
}

// timedSink is a sink whose batches are timed.
type timedSink struct {
	journal.Sink

	meters *journalMeters
}

// RecordsApply implements journal.Sink.
func (s timedSink) RecordsApply(ctx context.Context, batch []*journal.Record, p journal.Position) error {
	began := s.meters.now()
	if len(batch) > 0 {
		s.meters.waiting.Store(batch[0].Task.FinishedAt.UnixNano())
	}
	if err := s.Sink.RecordsApply(ctx, batch, p); err != nil {
		s.meters.failed.Inc()
		return err
	}
	s.meters.waiting.Store(0)
	s.meters.apply.Observe(s.meters.now().Sub(began).Seconds())
	s.meters.records.Add(float64(len(batch)))
	return nil
}
