//! The shapes that the parser builds: an expression as written, before names and values are put in.
//!
//! Everything borrows from the text. Knows nothing of what is allowed where; see the checks of each kind.

/// An operator that compares two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    /// The operator as written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "<>",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
        }
    }

    /// The operator that says the same with the operands exchanged.
    pub(crate) fn mirrored(self) -> Comparator {
        match self {
            Comparator::Less => Comparator::Greater,
            Comparator::LessOrEqual => Comparator::GreaterOrEqual,
            Comparator::Greater => Comparator::Less,
            Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            same => same,
        }
    }
}

/// One element of a path as written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PathElement<'t> {
    /// An attribute name.
    Name(&'t str),
    /// `#x`
    Placeholder(&'t str),
    /// The digits between brackets.
    Index(&'t str),
}

/// A path as written; its first element is never an index.
pub(crate) type PathSyntax<'t> = Vec<PathElement<'t>>;

/// An operand as written.
#[derive(Debug, Clone)]
pub(crate) enum OperandSyntax<'t> {
    Path(PathSyntax<'t>),
    /// `:v`
    Value(&'t str),
    Call(CallSyntax<'t>),
}

/// A function with its operands.
#[derive(Debug, Clone)]
pub(crate) struct CallSyntax<'t> {
    pub(crate) name: &'t str,
    pub(crate) operands: Vec<OperandSyntax<'t>>,
}

/// A condition as written; chains of one operator are flat.
#[derive(Debug, Clone)]
pub(crate) enum ConditionSyntax<'t> {
    Comparison(Comparator, OperandSyntax<'t>, OperandSyntax<'t>),
    Between(OperandSyntax<'t>, OperandSyntax<'t>, OperandSyntax<'t>),
    In(OperandSyntax<'t>, Vec<OperandSyntax<'t>>),
    Call(CallSyntax<'t>),
    Not(Box<ConditionSyntax<'t>>),
    And(Vec<ConditionSyntax<'t>>),
    Or(Vec<ConditionSyntax<'t>>),
}

/// The right side of a `SET` action.
#[derive(Debug, Clone)]
pub(crate) enum SetValueSyntax<'t> {
    Operand(OperandSyntax<'t>),
    Plus(OperandSyntax<'t>, OperandSyntax<'t>),
    Minus(OperandSyntax<'t>, OperandSyntax<'t>),
}

/// One action of an update expression.
#[derive(Debug, Clone)]
pub(crate) struct ActionSyntax<'t> {
    pub(crate) path: PathSyntax<'t>,
    pub(crate) verb: VerbSyntax<'t>,
}

/// What an action does at its path.
#[derive(Debug, Clone)]
pub(crate) enum VerbSyntax<'t> {
    Set(SetValueSyntax<'t>),
    Remove,
    /// `ADD path :v`
    Add(&'t str),
    /// `DELETE path :v`
    Delete(&'t str),
}
