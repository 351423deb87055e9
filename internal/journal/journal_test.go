package journal_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// books is a sink that keeps what it is given, like a database: each task once.
type books struct {
	mu       sync.Mutex
	tasks    map[id.ID]*journal.Record
	position journal.Position
	batches  int
	fail     int           // writes to refuse
	gate     chan struct{} // holds writes back until it is closed
}

func newBooks() *books { return &books{tasks: map[id.ID]*journal.Record{}} }

func (b *books) RecordsApply(_ context.Context, batch []*journal.Record, p journal.Position) error {
	if b.gate != nil {
		<-b.gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail > 0 {
		b.fail--
		return errors.New("database is away")
	}
	b.batches++
	for _, r := range batch {
		if b.tasks[r.Task.ID] == nil {
			b.tasks[r.Task.ID] = r
		}
	}
	if p != (journal.Position{}) {
		b.position = p
	}
	return nil
}

func (b *books) JournalApplied(context.Context) (journal.Position, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.position, nil
}

func (b *books) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.tasks)
}

func options(dir string, s journal.Sink) journal.Options {
	return journal.Options{Dir: dir, Sink: s, Log: slog.New(slog.DiscardHandler), Backoff: time.Millisecond}
}

func begin(t *testing.T, o journal.Options) (*journal.Journal, journal.Report) {
	t.Helper()
	j, report, err := journal.Start(t.Context(), o, clock.System)
	if err != nil {
		t.Fatal(err)
	}
	return j, report
}

func end(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func call() (*journal.Open, *journal.Record) {
	task := tasks.Task{ID: id.New(), RequestID: "r", Currency: money.USD, Held: 100, Status: tasks.Running, CreatedAt: time.Now()}
	open := &journal.Open{Task: task, WalletID: id.New(), RevenueID: id.New()}
	task.Charged = 60
	return open, &journal.Record{Task: task, Transfers: []wallet.Transfer{{
		ID: id.New(), Kind: wallet.TransferCapture, Currency: money.USD, Amount: 60, DebitAccountID: open.WalletID,
		CreditAccountID: open.RevenueID, RefType: "task", RefID: task.ID.String(),
	}}}
}

func wait(t *testing.T, tickets ...journal.Ticket) {
	t.Helper()
	for _, ticket := range tickets {
		if err := ticket.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordsReachTheBooksOnce(t *testing.T) {
	t.Parallel()
	b := newBooks()
	o := options(t.TempDir(), b)
	j, _ := begin(t, o)
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() {
			open, record := call()
			j.Open(open)
			if err := j.Append(record).Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := b.count(); n != 500 {
		t.Errorf("%d of 500 records are in the books", n)
	}
	end(t, j)
	j, report := begin(t, o)
	defer end(t, j)
	if report != (journal.Report{}) {
		t.Errorf("after a clean end: %+v", report)
	}
}

// crashed returns what a process that died at this moment would find: a copy of the folder and of the books.
func crashed(t *testing.T, o journal.Options, b *books) (journal.Options, *books) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(o.Dir)); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := newBooks()
	c.position = b.position
	maps.Copy(c.tasks, b.tasks)
	return options(dir, c), c
}

func TestWhatADeadProcessLeftIsMadeGood(t *testing.T) {
	t.Parallel()
	b := newBooks()
	b.gate = make(chan struct{}) // nothing reaches the books
	o := options(t.TempDir(), b)
	j, _ := begin(t, o)
	whole, record := call()
	marked, _ := call()
	unmarked, _ := call()
	wait(t, j.Open(whole), j.Append(record), j.Open(marked), j.Open(unmarked),
		j.Mark(&journal.Mark{TaskID: marked.Task.ID, Amount: 10}), j.Mark(&journal.Mark{TaskID: marked.Task.ID, Amount: 25}))

	after, books := crashed(t, o, b)
	again, report := begin(t, after)
	defer end(t, again)
	close(b.gate)
	end(t, j)

	if want := (journal.Report{Applied: 1, Captured: 1, Released: 1}); report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	for _, c := range []struct {
		open    *journal.Open
		charged money.Amount
		status  tasks.Status
	}{{whole, 60, tasks.Running}, {marked, 25, tasks.Failed}, {unmarked, 0, tasks.Failed}} {
		got := books.tasks[c.open.Task.ID]
		if got == nil || got.Task.Charged != c.charged || got.Task.Status != c.status {
			t.Errorf("got %+v, want %d %s", got, c.charged, c.status)
			continue
		}
		var moved money.Amount
		for _, tr := range got.Transfers {
			moved += tr.Amount
		}
		if moved != c.charged {
			t.Errorf("%d moved, %d charged", moved, c.charged)
		}
	}
}

func TestTornTailIsNormalAndCorruptionIsNot(t *testing.T) {
	t.Parallel()
	b := newBooks()
	b.gate = make(chan struct{})
	o := options(t.TempDir(), b)
	j, _ := begin(t, o)
	var ends []int64
	files := func() string {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(o.Dir, "*.log"))
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		return names[0]
	}
	for range 3 {
		_, record := call()
		wait(t, j.Append(record))
		info, err := os.Stat(files())
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	body, err := os.ReadFile(files())
	if err != nil {
		t.Fatal(err)
	}
	start := func(body []byte) (journal.Report, error) {
		after, _ := crashed(t, o, b)
		if err := os.WriteFile(filepath.Join(after.Dir, filepath.Base(files())), body, 0o600); err != nil {
			t.Fatal(err)
		}
		again, report, err := journal.Start(t.Context(), after, clock.System)
		if err == nil {
			end(t, again)
		}
		return report, err
	}
	for cut := ends[1]; cut < ends[2]; cut++ {
		report, err := start(body[:cut])
		if err != nil || report.Applied != 2 || report.Torn != cut-ends[1] {
			t.Fatalf("cut at %d: %+v, %v", cut, report, err)
		}
	}
	for at := range ends[1] {
		broken := append([]byte(nil), body...)
		broken[at] ^= 0x40
		var corrupt *journal.CorruptError
		if _, err := start(broken); !errors.As(err, &corrupt) {
			t.Fatalf("byte %d was changed: %v", at, err)
		}
	}
	close(b.gate)
	end(t, j)
}

func TestSalvageReadsPastTheDamage(t *testing.T) {
	t.Parallel()
	b := newBooks()
	b.gate = make(chan struct{})
	o := options(t.TempDir(), b)
	j, _ := begin(t, o)
	var records []*journal.Record
	var ends []int64
	for range 3 {
		_, record := call()
		wait(t, j.Append(record))
		records = append(records, record)
		names, err := filepath.Glob(filepath.Join(o.Dir, "*.log"))
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		info, err := os.Stat(names[0])
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	after, books := crashed(t, o, b)
	close(b.gate)
	end(t, j)
	names, _ := filepath.Glob(filepath.Join(after.Dir, "*.log"))
	body, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if lost, err := journal.Inspect(after.Dir); err != nil || len(lost) != 0 {
		t.Fatalf("a whole journal: %+v, %v", lost, err)
	}
	if err := os.WriteFile(names[0], body[:len(body)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	if lost, err := journal.Inspect(after.Dir); err != nil || len(lost) != 0 {
		t.Fatalf("a commit under way: %+v, %v", lost, err)
	}
	body[ends[0]+30] ^= 1 // in the second commit
	if err := os.WriteFile(names[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	lost, err := journal.Inspect(after.Dir)
	if err != nil || len(lost) != 1 || lost[0].From != ends[0] || lost[0].To != ends[1] {
		t.Fatalf("a damaged journal: %+v, %v", lost, err)
	}
	look, err := journal.Salvage(t.Context(), after, clock.System, true)
	if err != nil || len(look.Lost) != 1 || look.Lost[0].From != ends[0] || look.Lost[0].To != ends[1] || books.count() != 0 {
		t.Fatalf("%+v, %v; %d records in the books", look, err, books.count())
	}
	done, err := journal.Salvage(t.Context(), after, clock.System, false)
	if err != nil || done.Applied != 2 || done.KeptIn == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	if books.tasks[records[0].Task.ID] == nil || books.tasks[records[1].Task.ID] != nil || books.tasks[records[2].Task.ID] == nil {
		t.Error("the books do not hold the first and the third call")
	}
	again, report := begin(t, after)
	defer end(t, again)
	if report != (journal.Report{}) {
		t.Errorf("after the repair: %+v", report)
	}
}

func TestDatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBooks()
	b.fail = 5
	j, _ := begin(t, options(t.TempDir(), b))
	defer end(t, j)
	_, record := call()
	wait(t, j.Append(record))
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.count() != 1 || j.Ready() != nil {
		t.Errorf("%d records, ready: %v", b.count(), j.Ready())
	}
}

// badDisk fails at the nth sync or write, and for ever after.
type badDisk struct {
	journal.OSDisk
	mu            sync.Mutex
	syncs, writes int // left before failing; negative: never
}

var errIO = errors.New("input/output error")

func (d *badDisk) Create(path string) (journal.DiskFile, error) {
	f, err := d.OSDisk.Create(path)
	return badFile{f, d}, err
}

func (d *badDisk) spend(n *int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if *n == 0 {
		return errIO
	}
	*n--
	return nil
}

type badFile struct {
	journal.DiskFile
	disk *badDisk
}

func (f badFile) Write(b []byte) (int, error) {
	if err := f.disk.spend(&f.disk.writes); err != nil {
		n, _ := f.DiskFile.Write(b[:len(b)/2])
		return n, err
	}
	return f.DiskFile.Write(b)
}

func (f badFile) Sync() error {
	if err := f.disk.spend(&f.disk.syncs); err != nil {
		return err
	}
	return f.DiskFile.Sync()
}

func TestDiskThatFailsStopsAdmissionAndLosesNothing(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		for _, disk := range []*badDisk{{syncs: n, writes: -1}, {syncs: -1, writes: n}} {
			b := newBooks()
			o := options(t.TempDir(), b)
			o.Disk = disk
			j, _ := begin(t, o)
			durable := map[id.ID]bool{}
			for range 12 {
				_, record := call()
				if err := j.Append(record).Wait(t.Context()); err == nil {
					durable[record.Task.ID] = true
				} else if !errors.Is(err, wallet.ErrBilling) {
					t.Fatal(err)
				}
			}
			if err := j.Ready(); !errors.Is(err, wallet.ErrBilling) {
				t.Fatalf("after failure %d the journal is ready: %v", n, err)
			}
			if len(durable) != n {
				t.Fatalf("%d were called durable, want %d", len(durable), n)
			}
			if err := j.Close(t.Context()); !errors.Is(err, errIO) {
				t.Fatal(err)
			}
			after, books := crashed(t, o, b)
			again, _ := begin(t, after)
			end(t, again)
			for task := range durable {
				if books.tasks[task] == nil {
					t.Fatal("a record that was called durable is gone")
				}
			}
		}
	}
}

func TestSegmentsAreRemovedOnlyWhenNoOpenCallNeedsThem(t *testing.T) {
	t.Parallel()
	b := newBooks()
	o := options(t.TempDir(), b)
	o.SegmentSize = 2000
	j, _ := begin(t, o)
	long, last := call()
	wait(t, j.Open(long))
	fill := func() int {
		t.Helper()
		for range 20 {
			_, record := call()
			wait(t, j.Append(record))
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(o.Dir, "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	if n := fill(); n < 3 {
		t.Errorf("%d segments while a call from the first is open", n)
	}
	after, books := crashed(t, o, b)
	again, report := begin(t, after)
	end(t, again)
	if report.Released != 1 || books.tasks[long.Task.ID] == nil {
		t.Errorf("the long call was not found: %+v", report)
	}
	last.Task.ID = long.Task.ID
	wait(t, j.Append(last))
	if n := fill(); n > 2 {
		t.Errorf("%d segments are left when nobody needs them", n)
	}
	end(t, j)
}

func TestProcessAckDoesNotWaitForTheDisk(t *testing.T) {
	t.Parallel()
	b := newBooks()
	o := options(t.TempDir(), b)
	o.Ack, o.Disk = journal.Process, &badDisk{syncs: 0, writes: -1}
	j, _ := begin(t, o)
	_, record := call()
	wait(t, j.Append(record)) // written, though the sync will fail
	if err := j.Close(t.Context()); !errors.Is(err, errIO) {
		t.Error(err)
	}
}

// lazyDisk holds syncs back until it is let go.
type lazyDisk struct {
	journal.OSDisk
	gate chan struct{}
}

func (d lazyDisk) Create(path string) (journal.DiskFile, error) {
	f, err := d.OSDisk.Create(path)
	return lazyFile{f, d.gate}, err
}

type lazyFile struct {
	journal.DiskFile
	gate chan struct{}
}

func (f lazyFile) Sync() error {
	<-f.gate
	return f.DiskFile.Sync()
}

// TestPowerLossBehindTheLastSync: pages reach a disk in any order, so a commit that was never synced may be torn though a
// later one is whole. What was synced must be there all the same.
func TestPowerLossBehindTheLastSync(t *testing.T) {
	t.Parallel()
	b := newBooks()
	o := options(t.TempDir(), b)
	disk := lazyDisk{gate: make(chan struct{}, 1)}
	o.Ack, o.Disk = journal.Process, disk
	j, _ := begin(t, o)
	_, first := call()
	wait(t, j.Append(first))
	disk.gate <- struct{}{}
	for b.count() == 0 { // what is in the books was synced
		runtime.Gosched()
	}
	var ends []int
	for range 3 {
		_, record := call()
		wait(t, j.Append(record))
		names, err := filepath.Glob(filepath.Join(o.Dir, "*.log"))
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		info, err := os.Stat(names[0])
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(info.Size()))
	}
	start := func(at int) (journal.Report, error) {
		after, _ := crashed(t, o, b)
		names, _ := filepath.Glob(filepath.Join(after.Dir, "*.log"))
		body, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		body[at] ^= 0x40
		if err := os.WriteFile(names[0], body, 0o600); err != nil {
			t.Fatal(err)
		}
		again, report, err := journal.Start(t.Context(), after, clock.System)
		if err == nil {
			end(t, again)
		}
		return report, err
	}
	if report, err := start(ends[0] + 40); err != nil || report.Torn != int64(ends[2]-ends[0]) {
		t.Errorf("torn in an unsynced commit: %+v, %v", report, err)
	}
	var corrupt *journal.CorruptError
	if _, err := start(40); !errors.As(err, &corrupt) {
		t.Errorf("torn in the first, which was synced: %v", err)
	}
	close(disk.gate)
	end(t, j)
}
