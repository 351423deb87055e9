package httpx

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

const maxParameter = 512

// Query reads query parameters and remembers the first that is wrong. Where a parameter has several names, the first that
// is there counts.
type Query struct {
	values url.Values
	err    error
}

// QueryOf parses the query of a request.
func QueryOf(req *http.Request) *Query {
	values, err := url.ParseQuery(req.URL.RawQuery)
	q := &Query{values: values}
	if err != nil {
		q.fail(fault.ErrInvalid.Saying("The query cannot be read.").Because(err))
	}
	return q
}

// Err is the first thing that was wrong.
func (q *Query) Err() error { return q.err }

func (q *Query) fail(err error) {
	if q.err == nil {
		q.err = err
	}
}

// find returns a parameter and the name under which it came.
func (q *Query) find(names []string) (value, name string) {
	for _, name := range names {
		if v := q.values.Get(name); v != "" {
			return v, name
		}
	}
	return "", names[0]
}

// Text returns a parameter of at most 512 bytes. Code: invalid_parameter.
func (q *Query) Text(names ...string) string {
	v, name := q.find(names)
	if len(v) > maxParameter || !utf8.ValidString(v) || strings.Contains(v, "\x00") {
		q.fail(fault.ErrInvalid.Saying("The parameter is too long or not a text.").At(name))
		return ""
	}
	return v
}

// OneOf returns a parameter that is one of the words, or "". Code: invalid_parameter.
func (q *Query) OneOf(words []string, names ...string) string {
	v, name := q.find(names)
	if v != "" && !slices.Contains(words, v) {
		q.fail(fault.ErrInvalid.Saying("The value is not known.").At(name))
		return ""
	}
	return v
}

// ID returns an id; the zero id when it is absent. Code: invalid_parameter.
func (q *Query) ID(name string) id.ID {
	v := q.values.Get(name)
	if v == "" {
		return id.ID{}
	}
	out, err := id.Parse(v)
	if err != nil {
		q.fail(fault.ErrInvalid.Saying("This is not an id.").At(name))
	}
	return out
}

// Bool returns a parameter that is true or false, and nil when it is absent. Code: invalid_parameter.
func (q *Query) Bool(name string) *bool {
	v := q.values.Get(name)
	if v == "" {
		return nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		q.fail(fault.ErrInvalid.Saying("The value is true or false.").At(name))
	}
	return &b
}

// Int returns a whole number within bounds, or otherwise when it is absent. Code: invalid_page.
func (q *Query) Int(otherwise, least, most int, names ...string) int {
	v, name := q.find(names)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		q.fail(page.ErrRange.At(name))
		return otherwise
	}
	return n
}

// Page returns the page that is asked for by page and pageSize, alias limit. Code: invalid_page.
func (q *Query) Page() page.Request {
	const lastPage = 1_000_000
	return page.Request{
		Page: q.Int(1, 1, lastPage, "page"), Size: q.Int(page.DefaultSize, 1, page.MaxSize, "pageSize", "limit"),
	}
}

// Time returns a time given as RFC 3339 or as a date in UTC. Ranges do not hold their end, so a date that ends one means the
// beginning of the next day.
// Code: invalid_parameter.
func (q *Query) Time(ends bool, names ...string) time.Time {
	v, name := q.find(names)
	if v == "" {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t.UTC()
	}
	t, err := time.Parse(time.DateOnly, v)
	if err != nil {
		q.fail(fault.ErrInvalid.Saying("A time is RFC 3339 or a date.").At(name))
		return time.Time{}
	}
	if ends {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

// Range returns createdFrom and createdTo, aliases from and to. Code: invalid_parameter.
func (q *Query) Range() (from, to time.Time) {
	from, to = q.Time(false, "createdFrom", "from"), q.Time(true, "createdTo", "to")
	if !from.IsZero() && !to.IsZero() && from.After(to) {
		q.fail(fault.ErrInvalid.Saying("The range ends before it begins.").At("createdTo"))
	}
	return from, to
}
