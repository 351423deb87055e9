package config

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// errFloatAmount refuses an amount that YAML has turned into a float, which need not be what was written.
var errFloatAmount = errors.New(`an amount with a fraction is written in quotes, as in "0.5"`)

// set reads raw, which is a YAML value or the text of a variable or flag, into the field.
func (f field) set(raw any) error {
	if number, ok := reflect.TypeAssert[*money.Number](f.value.Addr()); ok {
		if _, isFloat := raw.(float64); isFloat {
			return errFloatAmount
		}
		*number = money.Number(scalar(raw))
		return nil
	}
	switch raw.(type) {
	case map[string]any:
		return errors.New("want one value, got a section")
	case []any:
		if f.value.Kind() != reflect.Slice {
			return errors.New("want one value, got a list")
		}
	}
	return f.parse(raw)
}

func (f field) parse(raw any) error {
	switch target := f.value.Addr().Interface().(type) {
	case *secret.String:
		*target = secret.New(scalar(raw))
		return nil
	case *time.Duration:
		return into(target, scalar(raw), time.ParseDuration, `want a duration such as "1m30s"`)
	case *[]netip.Prefix:
		return into(target, raw, prefixes, `want networks such as "10.0.0.0/8"`)
	case *bool:
		return into(target, scalar(raw), strconv.ParseBool, "want true or false")
	case *int:
		return into(target, scalar(raw), strconv.Atoi, "want a whole number")
	case *int64:
		return into(target, scalar(raw), parseInt64, "want a whole number")
	default:
		f.value.SetString(scalar(raw))
		return nil
	}
}

// checkAllowed refuses a word that the field's enum does not have.
func (f field) checkAllowed() error {
	if f.Allowed != nil && !slices.Contains(f.Allowed, f.value.String()) {
		return fmt.Errorf("want one of %s", strings.Join(f.Allowed, ", "))
	}
	return nil
}

// checkMin refuses a number or a duration below the field's least.
func (f field) checkMin() error {
	if f.min == "" {
		return nil
	}
	var least int64
	if d, err := time.ParseDuration(f.min); err == nil {
		least = int64(d)
	} else if least, err = parseInt64(f.min); err != nil {
		return fmt.Errorf("tag min: %w", err)
	}
	if f.value.Int() < least {
		return fmt.Errorf("want %s or more", f.min)
	}
	return nil
}

// into parses raw into target. What the parser said is dropped: it repeats the value, which the caller names.
func into[T, R any](target *T, raw R, parse func(R) (T, error), want string) error {
	value, err := parse(raw)
	if err != nil {
		return errors.New(want)
	}
	*target = value
	return nil
}

func parseInt64(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// prefixes reads a YAML list or a comma-separated text. A lone address is the network of itself.
func prefixes(raw any) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range items(raw) {
		if addr, err := netip.ParseAddr(item); err == nil {
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, err
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func items(raw any) []string {
	var out []string
	list, ok := raw.([]any)
	if !ok {
		return strings.FieldsFunc(scalar(raw), func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, item := range list {
		out = append(out, scalar(item))
	}
	return out
}

// scalar is the text of a YAML scalar; null is the empty text.
func scalar(raw any) string {
	if raw == nil {
		return ""
	}
	return fmt.Sprint(raw)
}

// text shows a value to people; a secret shows as "***" and an unset one as "".
func text(value reflect.Value) string {
	switch v := value.Interface().(type) {
	case secret.String:
		if v.IsZero() {
			return ""
		}
		return v.String()
	case time.Duration:
		return durationText(v)
	case []netip.Prefix:
		var out []string
		for _, prefix := range v {
			out = append(out, prefix.String())
		}
		return strings.Join(out, ",")
	default:
		return fmt.Sprint(v)
	}
}

// durationText is Duration.String without the zero parts at its end: "10m", not "10m0s".
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
