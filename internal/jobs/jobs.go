// Package jobs wakes workers for work that must be done although the process that promised it may die. It is River, in the
// database that holds the state: a job is enqueued in the transaction of what it is about, and lost with it.
//
// Jobs name what they are about and nothing else. What is known of it lies in tables of our own, so a job that is worked
// twice, or by a node that was thought dead, finds out there. README.md says what River is trusted with.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

const (
	// cooldown and poll are how soon a worker is woken after the last one, and how often the queue is looked at for jobs whose
	// time has come, or that another process enqueued and nobody told of.
	cooldown = 20 * time.Millisecond
	poll     = time.Second
	// connections of the pool beside the store's; one listens.
	connections = 6
	// rescueAfter is when River believes that a job was forgotten, and has it worked again. One that is worked still finds its
	// task taken.
	rescueAfter = 5 * time.Minute
	// tries bounds how often one job is worked; tasks decide themselves when they have waited enough.
	tries = 10_000
	// again is when a job whose work failed unforeseen is tried again.
	again = 5 * time.Second
)

// Options of a Queue.
type Options struct {
	// URL is a PostgreSQL address; empty: Path.
	URL string
	// Path is the SQLite file.
	Path string
	// Workers bounds the jobs that this process works at one time.
	Workers int
	// Node names this process among those that share the queue; a process that is started in its place has the same.
	Node string
	Log  *slog.Logger
}

// Runner does the work of jobs.
type Runner interface {
	// RunTask runs a task to its end, or until it must wait: then later is for how long. An error is tried again soon.
	RunTask(ctx context.Context, task id.ID) (later time.Duration, err error)
	// RunBatch takes a batch as far as it gets; later is for how long it must wait then. An error is tried again soon.
	RunBatch(ctx context.Context, batch id.ID) (later time.Duration, err error)
}

// Queue is the queue of one installation, as one process sees it. It is safe for concurrent use.
type Queue struct {
	o      Options
	work   engine
	revive func(context.Context) error
	stop   func()
}

// engine is a River client over one kind of database.
type engine interface {
	enqueue(ctx context.Context, t tx.Tx, args river.JobArgs) (int64, error)
	start(ctx context.Context) error
	end(ctx context.Context) error
	halt(ctx context.Context) error
}

// Open connects to the database and brings River's tables up to date. Nothing is worked before Start.
func Open(ctx context.Context, o Options, run Runner) (*Queue, error) {
	if o.URL != "" {
		return openPostgres(ctx, o, run)
	}
	return openSQLite(ctx, o, run)
}

// openSQLite has a handle of its own with one connection: River works several things at a time, and SQLite one.
func openSQLite(ctx context.Context, o Options, run Runner) (*Queue, error) {
	absolute, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, err
	}
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	woken := make(bell, 1)
	q, err := open(ctx, o, belled{riversqlite.New(db), woken}, config(o, run), woken.liteTx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	q.revive, q.stop = q.reviveIn(db), func() { _ = db.Close() }
	return q, nil
}

func openPostgres(ctx context.Context, o Options, run Runner) (*Queue, error) {
	c, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("jobs: the database URL cannot be read") // the cause may show the password
	}
	c.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	q, err := open(ctx, o, riverpgxv5.New(pool), config(o, run), pgTx)
	if err != nil {
		pool.Close()
		return nil, err
	}
	q.revive, q.stop = q.reviveOn(pool), pool.Close
	return q, nil
}

// client is the engine over a driver whose transactions are T.
type client[T any] struct {
	river *river.Client[T]
	tx    func(ctx context.Context, t tx.Tx, f func(T) error) error
}

func open[T any](
	ctx context.Context, o Options, d riverdriver.Driver[T], c *river.Config, in func(context.Context, tx.Tx, func(T) error) error,
) (*Queue, error) {
	if err := migrate(ctx, d, c.Logger); err != nil {
		return nil, err
	}
	r, err := river.NewClient(d, c)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Queue{o: o, work: &client[T]{r, in}}, nil
}

// migrate makes River's tables. Processes that begin together may each try: those who come second find it done.
func migrate[T any](ctx context.Context, d riverdriver.Driver[T], log *slog.Logger) error {
	m, err := rivermigrate.New(d, &rivermigrate.Config{Logger: log})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	for try := 0; ; try++ {
		_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		if err == nil || try == migrateTries || ctx.Err() != nil {
			return err
		}
		<-time.After(migratePause)
	}
}

const (
	migrateTries = 5
	migratePause = 200 * time.Millisecond
)

func config(o Options, run Runner) *river.Config {
	workers := river.NewWorkers()
	addWorkers(workers, run)
	return &river.Config{
		ID: lifeName(o.Node, id.New()), Logger: quiet(o.Log), Workers: workers, FetchCooldown: cooldown, FetchPollInterval: poll, JobTimeout: -1,
		RescueStuckJobsAfter: rescueAfter, CompletedJobRetentionPeriod: time.Hour,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: max(1, o.Workers)}},
	}
}

// Enqueue has a worker woken for the task once t is committed, and returns the job's number.
func (q *Queue) Enqueue(ctx context.Context, t tx.Tx, task id.ID) (int64, error) {
	return q.work.enqueue(ctx, t, RunTask{Task: task})
}

// EnqueueBatch has a worker woken for the batch once t is committed.
func (q *Queue) EnqueueBatch(ctx context.Context, t tx.Tx, batch id.ID) error {
	_, err := q.work.enqueue(ctx, t, RunBatch{Batch: batch})
	return err
}

// Start works jobs until Stop, those too that an earlier process of this node was working when it died.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.revive(ctx); err != nil {
		return err
	}
	return q.work.start(ctx)
}

// Stop takes no job any more and waits for those that are worked until ctx ends; then it ends them.
func (q *Queue) Stop(ctx context.Context) error {
	err := q.work.end(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	halting, cancel := context.WithTimeout(context.WithoutCancel(ctx), haltTimeout)
	defer cancel()
	return q.work.halt(halting)
}

// haltTimeout is how long jobs may take that were told to end.
const haltTimeout = 10 * time.Second

// Close releases what Open took.
func (q *Queue) Close() { q.stop() }

func (c *client[T]) enqueue(ctx context.Context, t tx.Tx, args river.JobArgs) (number int64, err error) {
	err = c.tx(ctx, t, func(in T) error {
		made, err := c.river.InsertTx(ctx, in, args, &river.InsertOpts{MaxAttempts: tries})
		if err == nil {
			number = made.Job.ID
		}
		return err
	})
	return number, err
}

func (c *client[T]) start(ctx context.Context) error {
	return c.river.Start(context.WithoutCancel(ctx))
}
func (c *client[T]) end(ctx context.Context) error  { return c.river.Stop(ctx) }
func (c *client[T]) halt(ctx context.Context) error { return c.river.StopAndCancel(ctx) }

// sqlTx is what the store's transactions are besides: ours is River's, too.
type sqlTx interface {
	SQL() *sql.Tx
	OnPgx(f func(*pgx.Conn) error) error
}

func (b bell) liteTx(_ context.Context, t tx.Tx, f func(*sql.Tx) error) error {
	t.AfterCommit(b.ring)
	return f(t.(sqlTx).SQL()) //nolint:forcetypeassert // the store opens all transactions
}

func pgTx(_ context.Context, t tx.Tx, f func(pgx.Tx) error) error {
	return t.(sqlTx).OnPgx(func(c *pgx.Conn) error { return f(borrowed{c}) }) //nolint:forcetypeassert // likewise
}
