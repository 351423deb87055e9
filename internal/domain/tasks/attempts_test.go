package tasks

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// TestAttemptsAreWrittenAsTheLibraryWritesThem compares random attempts with what encoding/json makes of them.
func TestAttemptsAreWrittenAsTheLibraryWritesThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		attempts := make([]Attempt, rapid.IntRange(0, 3).Draw(r, "attempts"))
		for i := range attempts {
			attempts[i] = anyAttempt(r)
		}
		want, err := json.Marshal(attempts)
		if err != nil {
			r.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(AppendAttempts(nil, attempts), &a); err != nil {
			r.Fatal(err)
		}
		if err := json.Unmarshal(want, &b); err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			r.Errorf("(-library +ours)\n%s", diff)
		}
	})
}

// anyAttempt fills every field, so that one that is new is not forgotten.
func anyAttempt(r *rapid.T) Attempt {
	var a Attempt
	v := reflect.ValueOf(&a).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i); f.Interface().(type) {
		case id.ID:
			if rapid.Bool().Draw(r, name) {
				f.Set(reflect.ValueOf(id.New()))
			}
		case string, Status, inference.Category:
			f.SetString(rapid.String().Draw(r, name))
		case int, time.Duration:
			f.SetInt(rapid.Int64Range(0, 1<<40).Draw(r, name))
		case bool:
			f.SetBool(rapid.Bool().Draw(r, name))
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(0, 1<<32).Draw(r, name), rapid.Int64Range(0, 1e9-1).Draw(r, "ns")).UTC()))
		case json.RawMessage:
			if rapid.Bool().Draw(r, name) {
				f.SetBytes([]byte(`{"text_input":7}`))
			}
		default:
			r.Fatalf("there is a field of a new kind: %s", name)
		}
	}
	return a
}
