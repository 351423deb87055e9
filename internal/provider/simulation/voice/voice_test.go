package voice

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/wire/sound"
)

func TestARecordingIsRealAndKnowsWhatItSays(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Hello, world.", "你好,世界", "x"} {
		samples := Speak(nil, text, "alloy", usualSpeed)
		file := WAV(samples, text)
		said, ok := Said(file)
		if !ok || said != text || sound.Type(file) != sound.WAV {
			t.Errorf("%q says %q, %v", text, said, ok)
		}
		want := time.Duration(len([]rune(text))) * time.Second / perSecond
		if d, known := sound.Duration(file); !known || d < want-time.Millisecond || d > want+time.Millisecond {
			t.Errorf("%q lasts %v, want %v", text, d, want)
		}
		if size := binary.LittleEndian.Uint32(file[4:]); int(size) != len(file)-8 {
			t.Errorf("the file says %d bytes and has %d", size+8, len(file))
		}
		if !bytes.Equal(samples, Speak(nil, text, "alloy", usualSpeed)) || bytes.Equal(samples, Speak(nil, text, "echo", usualSpeed)) {
			t.Error("voices are to differ, and nothing else")
		}
	}
}

// TestTonesAreHeardAndPausesAreNot looks at the loudest sample of each.
func TestTonesAreHeardAndPausesAreNot(t *testing.T) {
	t.Parallel()
	loudest := func(samples []byte) (top int16) {
		for i := 0; i < len(samples); i += 2 {
			v := int16(binary.LittleEndian.Uint16(samples[i:]))
			top = max(top, v, -v)
		}
		return top
	}
	if v := loudest(Speak(nil, "aeiou", "alloy", usualSpeed)); v < 3000 || v > 16000 {
		t.Errorf("a tone is %d loud", v)
	}
	if v := loudest(Speak(nil, "  ...", "alloy", usualSpeed)); v != 0 {
		t.Errorf("a pause is %d loud", v)
	}
	if slow, fast := len(Speak(nil, "abc", "", 50)), len(Speak(nil, "abc", "", 200)); slow != 4*fast {
		t.Errorf("%d and %d bytes", slow, fast)
	}
	if _, ok := Said([]byte("RIFF\x00\x00\x00\x00WAVELIST\x04\x00\x00\x00INFO")); ok {
		t.Error("an empty note says something")
	}
}
