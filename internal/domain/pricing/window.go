package pricing

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

const maxWindows = 32

// DynamicWeight is a rule's dynamicWeight: a factor that always applies, and factors by the time at which a call was
// accepted.
type DynamicWeight struct {
	DiscountFactor *money.Number `json:"discountFactor,omitempty"`
	Timezone       string        `json:"timezone,omitempty"` // offset from UTC, such as "+08:00"; UTC if absent
	Windows        []Window      `json:"windows,omitempty"`  // the first that is open applies
}

// Window is a span of the day, from included, to excluded. One that ends before it begins goes past midnight; one that
// ends where it begins lasts a day.
type Window struct {
	Name   string       `json:"name,omitempty"` // "window" if absent
	Days   []string     `json:"days,omitempty"` // on which it begins: mon … sun; all if absent
	From   string       `json:"from"`           // "00:30"
	To     string       `json:"to"`
	Factor money.Number `json:"factor"`
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

type timetable struct {
	always  []NamedFactor
	zone    *time.Location
	windows []window
}

type window struct {
	factor   NamedFactor
	days     [7]bool
	from, to int // minutes of the day
}

func newTimetable(raw json.RawMessage) (*timetable, error) {
	t := &timetable{zone: time.UTC}
	if isEmpty(raw) {
		return t, nil
	}
	var in DynamicWeight
	if err := strictAs(ErrWeight, raw, &in, "dynamicWeight"); err != nil {
		return nil, err
	}
	if in.DiscountFactor != nil {
		f, err := newFactor(*in.DiscountFactor)
		if err != nil {
			return nil, fault.ErrInvalid.Saying(err.Message).At("dynamicWeight.discountFactor")
		}
		t.always = []NamedFactor{{Name: "discount", Value: f}}
	}
	if in.Timezone != "" {
		at, err := time.Parse("Z07:00", in.Timezone)
		if err != nil {
			return nil, ErrWeight.Saying("The time zone is an offset such as +08:00.").At("dynamicWeight.timezone")
		}
		_, offset := at.Zone()
		t.zone = time.FixedZone(in.Timezone, offset)
	}
	if len(in.Windows) > maxWindows {
		return nil, ErrLimit.Saying("There are too many windows.").At("dynamicWeight.windows")
	}
	for i := range in.Windows {
		w, err := in.Windows[i].compile(fmt.Sprintf("dynamicWeight.windows[%d].", i))
		if err != nil {
			return nil, err
		}
		t.windows = append(t.windows, w)
	}
	return t, nil
}

func (in *Window) compile(path string) (window, error) {
	var w window
	var err error
	if w.from, err = minuteOf(in.From); err != nil {
		return w, ErrWeight.Saying("A time of day is written as 00:30.").At(path + "from")
	}
	if w.to, err = minuteOf(in.To); err != nil {
		return w, ErrWeight.Saying("A time of day is written as 00:30.").At(path + "to")
	}
	f, bad := newFactor(in.Factor)
	if bad != nil {
		return w, bad.At(path + "factor")
	}
	name := in.Name
	if name == "" {
		name = "window"
	}
	if !isWord(name) {
		return w, ErrWeight.Saying("A name consists of letters, digits and _.").At(path + "name")
	}
	w.factor = NamedFactor{Name: "time:" + name, Value: f}
	for i := range weekdays {
		w.days[i] = len(in.Days) == 0
	}
	for _, day := range in.Days {
		i := slices.Index(weekdays, day)
		if i < 0 {
			return w, ErrWeight.Saying("Days are mon, tue, wed, thu, fri, sat and sun.").At(path + "days")
		}
		w.days[i] = true
	}
	return w, nil
}

func minuteOf(text string) (int, error) {
	if text == "24:00" {
		return 0, nil
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err
}

// isEmpty reports whether no time changes the price.
func (t *timetable) isEmpty() bool { return len(t.always) == 0 && len(t.windows) == 0 }

// at appends the factors that apply to a call accepted at a time; in the zero time no window is open.
func (t *timetable) at(out []NamedFactor, at time.Time) []NamedFactor {
	out = append(out, t.always...)
	if at.IsZero() {
		return out
	}
	local := at.In(t.zone)
	minute, day := local.Hour()*60+local.Minute(), int(local.Weekday())
	for i := range t.windows {
		if t.windows[i].open(minute, day) {
			return append(out, t.windows[i].factor)
		}
	}
	return out
}

// open reports whether the window is, where past midnight the day before counts.
func (w *window) open(minute, day int) bool {
	if w.from < w.to {
		return w.days[day] && minute >= w.from && minute < w.to
	}
	return (w.days[day] && minute >= w.from) || (w.days[(day+6)%7] && minute < w.to)
}
