package envelope

import (
	"bytes"
	"testing"
)

func sampleJournal() []byte {
	j := Journal{Phase: Verified, From: 1, To: 2, Started: 1_736_942_400}
	return append(j.Encode(), make([]byte, MACSize)...)
}

func TestJournal(t *testing.T) {
	j, mac, err := ParseJournal(sampleJournal())
	if err != nil || *j != (Journal{Verified, 1, 2, 1_736_942_400}) || len(mac) != MACSize {
		t.Fatalf("%+v, %x, %v", j, mac, err)
	}
	// u8 version || u8 phase || u32 from || u32 to || u64 started || 32-byte MAC
	for name, c := range map[string]struct {
		at   int
		with byte
		want error
	}{
		"a later version":   {0, 2, ErrVersion},
		"no phase":          {1, 0, ErrFormat},
		"a phase too many":  {1, 3, ErrFormat},
		"from epoch 0":      {5, 0, ErrFormat},
		"to epoch 0":        {9, 0, ErrFormat},
		"to where it began": {9, 1, ErrFormat},
	} {
		b := sampleJournal()
		b[c.at] = c.with
		if _, _, err := ParseJournal(b); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for n := range sampleJournal() {
		if _, _, err := ParseJournal(sampleJournal()[:n]); err != ErrFormat {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, _, err := ParseJournal(append(sampleJournal(), 0)); err != ErrFormat {
		t.Errorf("a byte more: %v", err)
	}
}

// Every field of what a MAC or a tag is over changes it.
func TestMessagesDiffer(t *testing.T) {
	seen := map[string]string{}
	differs := func(what string, message []byte) {
		t.Helper()
		if other, ok := seen[string(message)]; ok {
			t.Errorf("%s has the message of %s", what, other)
		}
		seen[string(message)] = what
	}
	j := Journal{Reencrypting, 1, 2, 3}
	differs("a journal", JournalMessage("db", &j))
	differs("another database", JournalMessage("db2", &j))
	for what, other := range map[string]Journal{
		"another phase": {Verified, 1, 2, 3}, "another from": {Reencrypting, 4, 2, 3},
		"another to": {Reencrypting, 1, 4, 3}, "another time": {Reencrypting, 1, 2, 4},
	} {
		differs(what, JournalMessage("db", &other))
	}
	s := AuditSeal{Epoch: 1}
	differs("a line", AuditAAD("db", 1, &s))
	differs("the head", AuditAAD("db", 0, &s))
	differs("a line of another database", AuditAAD("db2", 1, &s))
	differs("a line under another key", AuditAAD("db", 1, &AuditSeal{Epoch: 2}))
	differs("a line with another IV", AuditAAD("db", 1, &AuditSeal{1, [IVSize]byte{1}}))
}

var (
	sampleLine = AuditLine{Event: 2, Epoch: 1, At: 1_736_942_400, Count: 3, Link: [32]byte{7}}
	sampleTop  = AuditHead{First: 5, Next: 9, Anchor: [32]byte{1}, Link: [32]byte{2}}
	sampleSeal = AuditSeal{Epoch: 3, IV: [IVSize]byte{9}}
	sampleFail = FailedUnlocks{Count: 4, Last: 1_736_942_400}
)

func TestAudit(t *testing.T) {
	line, err := ParseAuditLine(sampleLine.Encode())
	if err != nil || *line != sampleLine {
		t.Errorf("line: %+v, %v", line, err)
	}
	head, err := ParseAuditHead(sampleTop.Encode())
	if err != nil || *head != sampleTop {
		t.Errorf("head: %+v, %v", head, err)
	}
	seal, err := ParseAuditSeal(sampleSeal.Encode())
	if err != nil || *seal != sampleSeal || len(sampleSeal.Encode()) != AuditSealSize {
		t.Errorf("seal: %+v, %v", seal, err)
	}
	fail, err := ParseFailedUnlocks(sampleFail.Encode())
	if err != nil || *fail != sampleFail {
		t.Errorf("failed unlocks: %+v, %v", fail, err)
	}
	for n := range sampleLine.Encode() {
		if _, err := ParseAuditLine(sampleLine.Encode()[:n]); err != ErrFormat {
			t.Errorf("%d bytes of a line: %v", n, err)
		}
	}
	for name, h := range map[string]AuditHead{"first 0": {Next: 1}, "first behind next": {First: 3, Next: 2}} {
		if _, err := ParseAuditHead(h.Encode()); err != ErrFormat {
			t.Errorf("%s: %v", name, err)
		}
	}
	later := sampleSeal.Encode()
	later[0]++
	if _, err := ParseAuditSeal(later); err != ErrVersion {
		t.Errorf("a later version: %v", err)
	}
	if !bytes.Equal(AuditKey(258), []byte{0, 0, 0, 0, 0, 0, 1, 2}) {
		t.Errorf("the key of line 258 is %x", AuditKey(258))
	}
}

func TestNewestAndInsert(t *testing.T) {
	k := &Keyring{HighestEpoch: 4}
	for _, e := range []WrappedKey{
		{Kind: NameKey256, Epoch: 1},
		{Kind: RecordKey256, Class: PHI, Epoch: 2},
		{Kind: RecordKey256, Class: Public, Epoch: 3},
		{Kind: NameKey256, Epoch: 3},
		{Kind: RecordKey256, Class: PHI, Epoch: 1},
		{Kind: KeyringKey256, Epoch: 3},
	} {
		k.Insert(e)
	}
	for i := 1; i < len(k.Keys); i++ {
		if !k.Keys[i-1].before(&k.Keys[i]) {
			t.Errorf("key %d is out of order", i)
		}
	}
	if k.Newest(NameKey256).Epoch != 3 || k.NameEpoch(2) != 1 || k.NameEpoch(3) != 3 || k.NameEpoch(4) != 3 || k.Newest(AuditKey256) != nil {
		t.Error("the newest is another")
	}
}

func FuzzParseJournal(f *testing.F) {
	f.Add(sampleJournal())
	f.Fuzz(func(t *testing.T, b []byte) {
		j, mac, err := ParseJournal(b)
		if err != nil {
			return
		}
		if again := append(j.Encode(), mac...); !bytes.Equal(again, b) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
	})
}

func FuzzParseAudit(f *testing.F) {
	f.Add(sampleLine.Encode())
	f.Add(sampleTop.Encode())
	f.Add(sampleSeal.Encode())
	f.Add(sampleFail.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(again []byte, err error) {
			if err == nil && !bytes.Equal(again, b) {
				t.Errorf("%x is encoded again as %x", b, again)
			}
		}
		if l, err := ParseAuditLine(b); err == nil {
			same(l.Encode(), err)
		}
		if h, err := ParseAuditHead(b); err == nil {
			same(h.Encode(), err)
		}
		if s, err := ParseAuditSeal(b); err == nil && len(b) == AuditSealSize {
			same(s.Encode(), err)
		}
		if u, err := ParseFailedUnlocks(b); err == nil {
			same(u.Encode(), err)
		}
	})
}
