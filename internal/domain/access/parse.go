package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
)

// Bounds of conditions.
const (
	maxConditions = 8 << 10 // bytes
	maxItems      = 100     // of a list
)

// ParseConditions reads conditions as people enter them:
//
//	timeWindow  {days, from, to, timezone, notBefore, notAfter}: days are mon … sun, from and to times of the day such as
//	            "09:00", timezone an offset such as "+08:00" (UTC if absent), notBefore and notAfter moments in RFC 3339
//	ip          addresses and CIDR blocks; the caller's is in one of them
//	requestKind operations such as "chat.completions"; the request is one of them
//	metadata    texts, numbers and booleans by name; the metadata of the user, else of its group, else of its tenant says
//	            the same
//
// An empty object, null and nothing are nil: no conditions. Keys that are not known are refused. Code: invalid_parameter
// with the path of the key, which begins with path.
func ParseConditions(path string, raw json.RawMessage) (*Conditions, error) {
	if len(raw) > maxConditions {
		return nil, invalid(path, "The conditions are too long.")
	}
	in, err := membersOf(path, raw, "timeWindow", "ip", "requestKind", "metadata")
	if err != nil || len(in) == 0 {
		return nil, err
	}
	var c Conditions
	if c.time, err = readSpan(path+".timeWindow", in["timeWindow"]); err != nil {
		return nil, err
	}
	if c.ips, err = readList(path+".ip", in["ip"], readPrefix); err != nil {
		return nil, err
	}
	if c.kinds, err = readList(path+".requestKind", in["requestKind"], readKind); err != nil {
		return nil, err
	}
	c.metadata, err = readMetadata(path+".metadata", in["metadata"])
	return &c, err
}

// membersOf reads an object with known keys. What is absent or null has none.
func membersOf(path string, raw json.RawMessage, known ...string) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	if isNothing(raw) {
		return members, nil
	}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, invalid(path, "This is to be an object.")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if len(known) > 0 && !slices.Contains(known, name) {
			return nil, invalid(path+"."+name, "The key is not known.")
		}
	}
	return members, nil
}

func isNothing(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}

// readList reads a list that has at least one item. A list of none would match nobody, which nobody means.
func readList[T any](path string, raw json.RawMessage, read func(string) (T, string)) ([]T, error) {
	if isNothing(raw) {
		return nil, nil
	}
	var texts []string
	if json.Unmarshal(raw, &texts) != nil || len(texts) == 0 || len(texts) > maxItems {
		return nil, invalid(path, fmt.Sprintf("This is to be a list of 1 to %d texts.", maxItems))
	}
	out := make([]T, len(texts))
	for i, text := range texts {
		var wrong string
		if out[i], wrong = read(text); wrong != "" {
			return nil, invalid(fmt.Sprintf("%s[%d]", path, i), wrong)
		}
	}
	return out, nil
}

func readPrefix(text string) (netip.Prefix, string) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), ""
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, "This is not an address or CIDR block."
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), ""
}

func readKind(text string) (inference.Kind, string) {
	kind := inference.Kind(text)
	if kind.ModelType() == "" {
		return "", "There is no such operation."
	}
	return kind, ""
}

func readMetadata(path string, raw json.RawMessage) ([]attribute, error) {
	members, err := membersOf(path, raw)
	if err != nil || isNothing(raw) {
		return nil, err
	}
	if len(members) == 0 || len(members) > maxItems {
		return nil, invalid(path, fmt.Sprintf("This is to have 1 to %d members.", maxItems))
	}
	var out []attribute
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, ok := scalar(members[name])
		if !ok {
			return nil, invalid(path+"."+name, "A value is a text, a number or a boolean.")
		}
		out = append(out, attribute{name, value})
	}
	return out, nil
}

// weekdays are the days by their number in package time.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func readSpan(path string, raw json.RawMessage) (*span, error) {
	in, err := membersOf(path, raw, "days", "from", "to", "timezone", "notBefore", "notAfter")
	if err != nil || isNothing(raw) {
		return nil, err
	}
	if len(in) == 0 {
		return nil, invalid(path, "A time window says when.")
	}
	s := &span{zone: time.UTC}
	for _, read := range []func(string, map[string]json.RawMessage) error{s.readDays, s.readTimes, s.readZone, s.readMoments} {
		if err := read(path, in); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *span) readDays(path string, in map[string]json.RawMessage) error {
	days, err := readList(path+".days", in["days"], func(text string) (int, string) {
		if day := slices.Index(weekdays, text); day >= 0 {
			return day, ""
		}
		return 0, "Days are mon, tue, wed, thu, fri, sat and sun."
	})
	for day := range s.days {
		s.days[day] = len(days) == 0 || slices.Contains(days, day)
	}
	s.daily = len(days) > 0
	return err
}

func (s *span) readTimes(path string, in map[string]json.RawMessage) error {
	_, from := in["from"]
	_, to := in["to"]
	if !from && !to {
		return nil // the whole day: it ends where it begins
	}
	var err error
	if s.from, err = minuteOf(path+".from", in["from"]); err != nil {
		return err
	}
	s.to, err = minuteOf(path+".to", in["to"])
	s.daily = true
	return err
}

func minuteOf(path string, raw json.RawMessage) (int, error) {
	text, err := textOf(path, raw)
	if err != nil || text == "24:00" {
		return 0, err
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, invalid(path, "A time of day is written as 00:30; a window has both from and to.")
	}
	return t.Hour()*60 + t.Minute(), nil
}

func (s *span) readZone(path string, in map[string]json.RawMessage) error {
	text, err := textOf(path+".timezone", in["timezone"])
	if err != nil || text == "" {
		return err
	}
	at, err := time.Parse("Z07:00", text)
	if err != nil {
		return invalid(path+".timezone", "The time zone is an offset such as +08:00.")
	}
	_, offset := at.Zone()
	s.zone = time.FixedZone(text, offset)
	return nil
}

func (s *span) readMoments(path string, in map[string]json.RawMessage) error {
	var err error
	if s.after, err = momentOf(path+".notBefore", in["notBefore"]); err != nil {
		return err
	}
	if s.before, err = momentOf(path+".notAfter", in["notAfter"]); err != nil {
		return err
	}
	if !s.after.IsZero() && !s.before.IsZero() && !s.after.Before(s.before) {
		return invalid(path+".notAfter", "The time ends before it begins.")
	}
	return nil
}

func momentOf(path string, raw json.RawMessage) (time.Time, error) {
	text, err := textOf(path, raw)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, invalid(path, "A moment is written in RFC 3339.")
	}
	return t.UTC(), nil
}

func textOf(path string, raw json.RawMessage) (string, error) {
	var text string
	if !isNothing(raw) && json.Unmarshal(raw, &text) != nil {
		return "", invalid(path, "This is to be a text.")
	}
	return text, nil
}
