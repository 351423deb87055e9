package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// fill gives every field of the struct that v points to a value that differs from the zero value and from the other
// fields', so that a field that a store forgets, or mixes up with another, shows. Fields named Number, and slices of
// structs, are left alone.
func fill(v any) { fillStruct(reflect.ValueOf(v).Elem()) }

func fillStruct(v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Name != "Number" {
			fillField(v.Field(i), field.Name, i+1)
		}
	}
}

func fillField(f reflect.Value, name string, n int) {
	switch f.Interface().(type) {
	case id.ID:
		f.Set(reflect.ValueOf(id.New()))
	case time.Time:
		f.Set(reflect.ValueOf(epoch.Add(time.Duration(n) * time.Microsecond)))
	case json.RawMessage:
		// Byte for byte: the order of keys, spaces and the form of numbers stay.
		f.Set(reflect.ValueOf(json.RawMessage(fmt.Sprintf(`{"z":%d.50, "a":[],"%s":"\u0000'"}`, n, name))))
	case []byte:
		f.Set(reflect.ValueOf([]byte{0, byte(n), 0xff, '\''})) //nolint:gosec // a struct has fewer than 256 fields
	case secret.String:
		f.Set(reflect.ValueOf(secret.New(name)))
	case map[string]string:
		f.Set(reflect.ValueOf(map[string]string{name: "it's"}))
	default:
		fillKind(f, name, n)
	}
}

func fillKind(f reflect.Value, name string, n int) {
	switch f.Kind() {
	case reflect.String:
		f.SetString(fmt.Sprintf("%s %d 'ä%%_\\", name, n))
	case reflect.Int, reflect.Int64:
		f.SetInt(int64(n) + 1<<40)
	case reflect.Uint8:
		f.SetUint(uint64(n % 16)) //nolint:gosec // positive
	case reflect.Bool:
		f.SetBool(true)
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
		fillKind(f.Elem(), name, n)
	case reflect.Struct:
		fillStruct(f)
	case reflect.Array:
		for i := range f.Len() {
			fillKind(f.Index(i), name, n+i)
		}
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.String {
			f.Set(reflect.MakeSlice(f.Type(), 2, 2))
			fillKind(f.Index(0), name, n)
			fillKind(f.Index(1), name, n+100)
		}
	default:
		panic("storetest: cannot fill " + f.Type().String())
	}
}
