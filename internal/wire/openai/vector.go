package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
)

// PackVector makes of a list of numbers base64 of 32-bit floats, little-endian, which is what official clients ask for. False
// says that it is no such list.
func PackVector(numbers json.RawMessage) (json.RawMessage, bool) {
	var list []json.Number
	if json.Unmarshal(numbers, &list) != nil {
		return nil, false
	}
	raw := make([]byte, 0, 4*len(list))
	for _, n := range list {
		v, err := strconv.ParseFloat(n.String(), 32)
		if err != nil {
			return nil, false
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
	}
	return json.RawMessage(`"` + base64.StdEncoding.EncodeToString(raw) + `"`), true
}

// UnpackVector makes a list of numbers of a vector in either form. False says that it is none.
func UnpackVector(vector json.RawMessage) (json.RawMessage, bool) {
	if len(vector) == 0 || vector[0] != '"' {
		return vector, len(vector) > 0 && vector[0] == '['
	}
	raw, err := base64.StdEncoding.DecodeString(string(vector[1 : len(vector)-1]))
	if err != nil || len(raw)%4 != 0 {
		return nil, false
	}
	out := make([]byte, 0, 3*len(raw))
	out = append(out, '[')
	for i := 0; i < len(raw); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(raw[i:]))
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendFloat(out, float64(v), 'g', -1, 32)
	}
	return append(out, ']'), true
}
