package limits

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

const (
	minute = time.Minute
	day    = 24 * time.Hour
	// maxSpan is the longest window: longer stretches are what quotas are for.
	maxSpan = 31 * day
	// maxWindows bounds what one request has to look at.
	maxWindows = 16
	// maxCount bounds limits that are counts, so that sums stay far from overflow.
	maxCount = 1_000_000_000_000_000
)

// ParseRateLimit reads a rateLimitPolicy that stands at path; nothing, null and {} are no limit, which is nil. A limit is
// at least 1: who wants none leaves it out. Code: invalid_parameter, with the path of the field.
func ParseRateLimit(path string, raw []byte) (*RateLimit, error) {
	o, err := parseObject(path, raw)
	if err != nil {
		return nil, err
	}
	return rateLimit(path, o)
}

// ParsePlatformRateLimit reads the rateLimitPolicy of a platform: what limits the platform, and in its member credential
// what limits each of its credentials. Code: invalid_parameter, with the path of the field.
func ParsePlatformRateLimit(path string, raw []byte) (platform, credential *RateLimit, err error) {
	o, err := parseObject(path, raw)
	if err != nil {
		return nil, nil, err
	}
	own := o[:0]
	for _, f := range o {
		if f.key != "credential" {
			own = append(own, f)
		} else if credential, err = ParseRateLimit(f.path, f.raw); err != nil {
			return nil, nil, err
		}
	}
	platform, err = rateLimit(path, own)
	return platform, credential, err
}

func rateLimit(path string, o []field) (*RateLimit, error) {
	if len(o) == 0 {
		return nil, nil //nolint:nilnil // no policy limits nothing
	}
	var r RateLimit
	for _, f := range o {
		if err := r.parse(f); err != nil {
			return nil, err
		}
	}
	if len(r.Windows) > maxWindows {
		return nil, invalid(path+".windows", "There are too many windows.")
	}
	if r.Concurrent == 0 && len(r.Windows) == 0 {
		return nil, nil //nolint:nilnil // an empty list of windows limits nothing
	}
	return &r, nil
}

// shorthands are the windows that have a key of their own.
var shorthands = map[string]Window{
	"rpm": {Metric: Requests, Span: minute}, "tpm": {Metric: Tokens, Span: minute},
	"rpd": {Metric: Requests, Span: day}, "tpd": {Metric: Tokens, Span: day},
}

func (r *RateLimit) parse(f field) (err error) {
	if w, ok := shorthands[f.key]; ok {
		if w.Limit, err = f.count(maxCount); err == nil {
			r.Windows = append(r.Windows, w)
		}
		return err
	}
	switch f.key {
	case "concurrent":
		r.Concurrent, err = f.count(maxCount)
		return err
	case "windows":
		return r.parseWindows(f)
	}
	return f.unknown()
}

func (r *RateLimit) parseWindows(f field) error {
	var items []json.RawMessage
	if json.Unmarshal(f.raw, &items) != nil {
		return invalid(f.path, "This is to be a list.")
	}
	for i, item := range items {
		w, err := parseWindow(fmt.Sprintf("%s[%d]", f.path, i), item)
		if err != nil {
			return err
		}
		r.Windows = append(r.Windows, w)
	}
	return nil
}

func parseWindow(path string, raw []byte) (w Window, err error) {
	o, err := parseObject(path, raw)
	if err != nil {
		return w, err
	}
	var limit field
	for _, f := range o {
		switch f.key {
		case "metric":
			w.Metric, err = f.metric()
		case "limit":
			limit = f
		case "windowSeconds":
			var seconds int64
			seconds, err = f.count(int64(maxSpan / time.Second))
			w.Span = time.Duration(seconds) * time.Second
		default:
			err = f.unknown()
		}
		if err != nil {
			return w, err
		}
	}
	switch {
	case w.Metric == 0:
		return w, invalid(path+".metric", "This is required.")
	case w.Span == 0:
		return w, invalid(path+".windowSeconds", "This is required.")
	case limit.key == "":
		return w, invalid(path+".limit", "This is required.")
	}
	if w.Metric != Amount {
		w.Limit, err = limit.count(maxCount)
		return w, err
	}
	units, err := limit.factor()
	if err == nil && units == 0 {
		err = invalid(limit.path, "This is to be above 0.")
	}
	w.Limit = int64(units)
	return w, err
}

// ParseQuota reads a quotaPolicy that stands at path; nothing, null and {} are no quota, which is nil. A bound of 0 allows
// nothing. Code: invalid_parameter, with the path of the field.
func ParseQuota(path string, raw []byte) (*Quota, error) {
	o, err := parseObject(path, raw)
	if err != nil || len(o) == 0 {
		return nil, err
	}
	var q Quota
	if q.Currency, err = parseCurrency(path, o); err != nil {
		return nil, err
	}
	var soft money.Factor
	for _, f := range o {
		switch f.key {
		case "currency":
		case "total":
			q.Bounds[Total], err = f.bound(q.Currency)
		case "day":
			q.Bounds[Day], err = f.bound(q.Currency)
		case "month":
			q.Bounds[Month], err = f.bound(q.Currency)
		case "timeZone":
			q.Offset, err = f.zone()
		case "soft":
			if soft, err = f.factor(); err == nil && (soft == 0 || soft > money.One) {
				err = invalid(f.path, "This is to be a share above 0 and at most 1.")
			}
		default:
			err = f.unknown()
		}
		if err != nil {
			return nil, err
		}
	}
	return q.complete(path, soft)
}

func (q *Quota) complete(path string, soft money.Factor) (*Quota, error) {
	bounded := false
	for p := range q.Bounds {
		b := &q.Bounds[p]
		bounded = bounded || b.Set
		b.Soft = share(b.Limit, soft)
	}
	if !bounded {
		return nil, invalid(path, "At least one of total, day and month is required.")
	}
	return q, nil
}

func parseCurrency(path string, o []field) (money.Currency, error) {
	for _, f := range o {
		if f.key != "currency" {
			continue
		}
		var c money.Currency
		if json.Unmarshal(f.raw, &c) != nil || !c.Known() {
			return "", invalid(f.path, "The currency is not supported.")
		}
		return c, nil
	}
	return "", invalid(path+".currency", "This is required.")
}

// field is one member of an object that is being read.
type field struct {
	key, path string
	raw       json.RawMessage
}

// parseObject takes an object apart, in its order. Keys are compared exactly, and none may come twice.
func parseObject(path string, raw []byte) ([]field, error) {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return nil, nil
	}
	if !json.Valid(raw) {
		return nil, fault.ErrBadJSON.At(path)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, _ := dec.Token(); t != json.Delim('{') {
		return nil, invalid(path, "This is to be an object.")
	}
	var out []field
	seen := map[string]bool{}
	for dec.More() {
		t, _ := dec.Token()
		key, _ := t.(string)
		f := field{key: key, path: path + "." + key}
		if seen[key] {
			return nil, invalid(f.path, "This key comes twice.")
		}
		seen[key] = true
		if err := dec.Decode(&f.raw); err != nil {
			return nil, fault.ErrBadJSON.At(f.path)
		}
		out = append(out, f)
	}
	return out, nil
}

func invalid(path, message string) error { return fault.ErrInvalid.Saying(message).At(path) }

func (f field) unknown() error { return invalid(f.path, "There is no such key.") }

// count reads an integer from 1 to most.
func (f field) count(most int64) (int64, error) {
	n, err := strconv.ParseInt(string(f.raw), 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, invalid(f.path, fmt.Sprintf("This is to be an integer from 1 to %d; leave it out for no limit.", most))
	}
	return n, nil
}

func (f field) metric() (Metric, error) {
	var name string
	if json.Unmarshal(f.raw, &name) == nil {
		if m, ok := ParseMetric(name); ok && m != Concurrent {
			return m, nil
		}
	}
	return 0, invalid(f.path, "This is to be requests, tokens, amount, images or seconds.")
}

// decimal returns the text of a number, which may be given as a string.
func (f field) decimal() string {
	var s string
	if len(f.raw) > 0 && f.raw[0] == '"' && json.Unmarshal(f.raw, &s) == nil {
		return s
	}
	return string(f.raw)
}

func (f field) factor() (money.Factor, error) {
	v, err := money.ParseFactor(f.decimal())
	if err != nil {
		return 0, invalid(f.path, "This is to be a decimal number that is not negative.")
	}
	return v, nil
}

func (f field) bound(c money.Currency) (Bound, error) {
	a, err := money.Parse(f.decimal(), c)
	if err != nil || a < 0 {
		return Bound{}, invalid(f.path, "This is to be an amount of the currency that is not negative.")
	}
	return Bound{Set: true, Limit: a}, nil
}

// zone reads an offset from UTC such as "+08:00".
func (f field) zone() (time.Duration, error) {
	var s string
	if json.Unmarshal(f.raw, &s) == nil {
		if t, err := time.Parse("-07:00", s); err == nil && len(s) == len("+08:00") {
			_, seconds := t.Zone()
			offset := time.Duration(seconds) * time.Second
			if offset%(15*time.Minute) == 0 && offset >= -14*time.Hour && offset <= 14*time.Hour {
				return offset, nil
			}
		}
	}
	return 0, invalid(f.path, `This is to be an offset from UTC in quarters of an hour, such as "+08:00".`)
}
