package transcript

// What somebody confirms: the words of a line confirmed, in details what.

// The words of lines confirmed.
const (
	SaidLogIn       = "log-in"      // who sits there opened their identity
	SaidScript      = "script"      // its fingerprint was typed from another copy
	SaidDeclaration = "declaration" // of the room and the machine
	SaidRead        = "read"        // what was read aloud, everybody has heard
	SaidBack        = "back"        // everybody is, after a pause
	SaidStop        = "stop"        // the leader's word before what cannot be taken back; details phrase
	SaidHeld        = "held"        // a sheet whose bag was opened before was with nobody else; details serial
	SaidStep        = "step"        // somebody else saw that the step was done so
	SaidAway        = "put away"    // everything, at the end
)
