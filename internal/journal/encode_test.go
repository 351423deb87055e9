package journal

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// fill gives every field of a struct a value of its own, so that a field which the encoding forgets or confuses shows.
func fill(v reflect.Value, n *int64) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.UnixMicro(1_700_000_000_000_000 + *n).UTC()
		return
	case *json.RawMessage:
		*x = json.RawMessage(`{"n":` + time.Duration(*n).String()[:1] + `}`)
		return
	case *[]byte:
		*x = []byte(time.Duration(*n).String())
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(time.Duration(*n).String())
	case reflect.Bool:
		v.SetBool(*n%2 == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(*n * 1000)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	default:
		panic("fill: " + v.Type().String())
	}
}

func filled[T any](seed int64) T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), &seed)
	return v
}

// TestEntriesSurviveTheDisk also proves, by filling every field, that a field added to a task or a transfer is not
// forgotten here.
func TestEntriesSurviveTheDisk(t *testing.T) {
	t.Parallel()
	ignore := cmp.Options{
		cmpopts.IgnoreFields(tasks.Task{}, "Number"),
		cmpopts.IgnoreFields(wallet.Transfer{}, "Number", "DebitAfter", "CreditAfter"),
	}
	for seed := range int64(64) {
		open := Open{Task: filled[tasks.Task](seed), WalletID: filled[Open](seed).Task.ID, RevenueID: filled[Mark](seed).TaskID}
		mark := filled[Mark](seed)
		record := Record{Task: filled[tasks.Task](seed), Transfers: []wallet.Transfer{filled[wallet.Transfer](seed), {}}}
		replay := filled[tasks.Replay](seed)
		replayed := Record{Task: record.Task, Transfers: record.Transfers, Replay: &replay}
		answer := filled[tasks.Kept](seed)
		kept := Record{Task: record.Task, Transfers: record.Transfers, Kept: &answer}
		both := Record{Task: record.Task, Transfers: record.Transfers, Replay: &replay, Kept: &answer}
		var openBack Open
		var markBack Mark
		var recordBack, replayedBack, keptBack, bothBack Record
		for _, c := range []struct {
			bytes      []byte
			read       func(*reader)
			want, back any
		}{
			{open.append(nil), openBack.read, &open, &openBack},
			{mark.append(nil), markBack.read, &mark, &markBack},
			{record.append(nil), recordBack.read, &record, &recordBack},
			{replayed.append(nil), replayedBack.read, &replayed, &replayedBack},
			{kept.append(nil), keptBack.read, &kept, &keptBack},
			{both.append(nil), bothBack.read, &both, &bothBack},
		} {
			r := reader{b: c.bytes}
			c.read(&r)
			if err := r.end(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, c.back, ignore); diff != "" {
				t.Fatal(diff)
			}
		}
	}
}

func TestACommitHasRoomForChargesBeforeAnswers(t *testing.T) {
	t.Parallel()
	record := func(size int) *Record { return &Record{Replay: &tasks.Replay{Body: make([]byte, size)}} }
	c := commit{buf: make([]byte, 100), full: [][]byte{make([]byte, 1000)}}
	small, large := record(1000), record(maxKept-1000)
	kept := large.Replay
	c.fit(small)
	c.fit(large)
	if small.Replay.Lost || len(small.Replay.Body) != 1000 {
		t.Error("an answer that fits was left out")
	}
	if !large.Replay.Lost || large.Replay.Body != nil || kept.Body == nil {
		t.Error("an answer that does not fit was taken, or taken from its call")
	}
	if got := []int{weight(&Record{}), weight(small), weight(record(8 << 10))}; !cmp.Equal(got, []int{1, 1, 3}) {
		t.Errorf("weights %v", got)
	}
}

// FuzzReader feeds records that no writer made: they must be refused or read, never crash.
func FuzzReader(f *testing.F) {
	record := Record{Task: filled[tasks.Task](1), Transfers: []wallet.Transfer{filled[wallet.Transfer](2)}}
	open := Open{Task: record.Task}
	mark := filled[Mark](3)
	f.Add(record.append(nil))
	replay := filled[tasks.Replay](4)
	record.Replay = &replay
	f.Add(record.append(nil))
	f.Add(open.append(nil))
	f.Add(mark.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(*reader){(&Record{}).read, (&Open{}).read, (&Mark{}).read} {
			r := reader{b: b}
			read(&r)
			_ = r.end()
		}
	})
}
