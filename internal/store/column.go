package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
)

// stamp is a moment as it is stored: microseconds since 1970 UTC, NULL for the zero time.
type stamp int64

func stampOf(t time.Time) stamp {
	if t.IsZero() {
		return 0
	}
	return stamp(t.UnixMicro())
}

func (s stamp) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(s)).UTC()
}

// Value implements driver.Valuer.
func (s stamp) Value() (driver.Value, error) {
	if s == 0 {
		return nil, nil //nolint:nilnil // NULL
	}
	return int64(s), nil
}

// Scan implements sql.Scanner.
func (s *stamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = 0
	case int64:
		*s = stamp(v)
	default:
		return fmt.Errorf("store: a moment is stored as %T", src)
	}
	return nil
}

// document is JSON as it is stored: its text, byte for byte, in both databases (audit entries and transfers are hashed
// and compared as text, and JSONB would refuse the escape of NUL); NULL when it is empty.
type document []byte

// Value implements driver.Valuer.
func (d document) Value() (driver.Value, error) {
	if len(d) == 0 {
		return nil, nil //nolint:nilnil // NULL
	}
	return clean(string(d)), nil
}

// Scan implements sql.Scanner.
func (d *document) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = nil
	case string:
		*d = document(v)
	case []byte:
		*d = append(document(nil), v...)
	default:
		return fmt.Errorf("store: a document is stored as %T", src)
	}
	return nil
}

// list is a list of words, stored as a JSON array.
type list[T ~string] []T

// Value implements driver.Valuer.
func (l list[T]) Value() (driver.Value, error) {
	if len(l) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal([]T(l))
	return clean(string(b)), err
}

// Scan implements sql.Scanner; the empty list becomes nil.
func (l *list[T]) Scan(src any) error {
	*l = nil
	var d document
	if err := d.Scan(src); err != nil || len(d) == 0 || string(d) == "[]" {
		return err
	}
	return json.Unmarshal(d, (*[]T)(l))
}

// quantities are what a call consumed, stored as a JSON object of those that are not 0, by the resource's name.
type quantities inference.Quantities

// Value implements driver.Valuer.
func (q quantities) Value() (driver.Value, error) {
	object := map[string]int64{}
	for r, n := range q {
		if n != 0 {
			object[inference.Resource(r).String()] = n
		}
	}
	if len(object) == 0 {
		return nil, nil //nolint:nilnil // NULL
	}
	b, err := json.Marshal(object)
	return string(b), err
}

// Scan implements sql.Scanner.
func (q *quantities) Scan(src any) error {
	*q = quantities{}
	var d document
	if err := d.Scan(src); err != nil || len(d) == 0 {
		return err
	}
	var object map[string]int64
	if err := json.Unmarshal(d, &object); err != nil {
		return err
	}
	for name, n := range object {
		r, ok := inference.ParseResource(name)
		if !ok {
			return fmt.Errorf("store: unknown resource %q", name)
		}
		q[r] = n
	}
	return nil
}

// folded is a text in lower case, by which it is found regardless of case; NULL when it is empty.
type folded string

func fold(s string) folded { return folded(strings.ToLower(s)) }

// Value implements driver.Valuer.
func (f folded) Value() (driver.Value, error) {
	if f == "" {
		return nil, nil //nolint:nilnil // NULL
	}
	return string(f), nil
}

// Scan implements sql.Scanner.
func (f *folded) Scan(src any) error {
	var d document
	err := d.Scan(src)
	*f = folded(d)
	return err
}

// like returns the pattern that finds text anywhere, taken literally; it goes with ESCAPE '!'.
func like(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}
