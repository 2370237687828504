package device

// Proof says by what a load is known to have worked. It never says more than was seen.
type Proof string

// The proofs.
const (
	// ProofCommit: repeated by the terminal, committed, and the slot then reported as loaded, without attributes.
	ProofCommit Proof = "commit"
	// ProofCommitAttributes: as ProofCommit, and the attributes reported are those of the key.
	ProofCommitAttributes Proof = "commit+attributes"
	// ProofAnswer: the terminal answered that it stored the key, and has no question by which to ask again.
	ProofAnswer Proof = "answer"
	// ProofCheckValue: the terminal computed the check value of what it stored, and it is the key's.
	ProofCheckValue Proof = "check-value"
	// ProofMAC: the terminal made a MAC with the key over a message that was drawn for it, and all of it is right.
	ProofMAC Proof = "mac"
)

// Commit is the receipt of a load: the terminal was told to store the key.
type Commit struct {
	Slot   Slot
	Want   SlotState  // what the terminal must report from now on
	Before *SlotState // what it reported before; nil where it was not asked
	Closed bool       // the terminal ended the exchange as it does after storing
	// Returned is the check value that the terminal sent with its answer, where the dialect has one. It may have been
	// computed from the key, or just sent back: it proves nothing when it is right, and much when it is wrong.
	Returned string
}

// LoadResult is a load that was confirmed.
type LoadResult struct {
	Slot  Slot
	State SlotState // as reported after the load
	Proof Proof
	// Returned is the Commit's: a check value that the device returned, and may only have repeated.
	Returned string
}
