// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title The money of a network on a chain: deposits in, payouts out, and a way out when the network falls silent
/// @notice Deposits are numbered. A batch posts two roots: what each account was ever paid out (cumulative), and what
/// each account would be owed if the network ended now. Batches are in force after a delay in which the guardian may
/// strike them. After `silenceBlocks` without a batch anybody freezes the vault; then everybody leaves by the last
/// batch in force, and deposits that it has not seen go back to whoever made them.
/// @dev Leaves are OpenZeppelin's: keccak256(keccak256(abi.encode(account, amount))). No proxy: what is deployed stays.
contract ProofgridVault is Ownable2Step {
    using SafeERC20 for IERC20;

    struct Batch {
        bytes32 payouts; // root of (account, paid out in all)
        bytes32 balances; // root of (account, owed if the network ended now)
        bytes32 records; // digest of the records of the rounds since the last batch
        uint64 depositsSeen;
        uint64 inForceAt; // a block
        uint128 payoutsTotal; // of all accounts, ever
        uint128 balancesTotal;
        bool struck;
    }

    struct Deposit {
        address account; // credited in the network
        address from; // who gets it back
        uint128 amount;
        uint128 upTo; // sum of all deposits to this one
        bool takenBack;
    }

    IERC20 public immutable token;
    uint64 public immutable delayBlocks;
    uint64 public immutable silenceBlocks;
    /// @notice Base units of the token that are one unit of the ledger: only whole ones are taken.
    uint256 public immutable unit;

    address public poster;
    address public guardian;
    bool public frozen;
    uint64 public lastPosted; // a block
    uint128 public claimedTotal;
    uint128 public exitedTotal;
    mapping(address account => uint256) public claimed;
    mapping(address account => bool) public left;
    Deposit[] private _deposits;
    Batch[] private _batches;

    event RolesAre(address poster, address guardian);
    event Deposited(uint256 indexed number, address indexed account, address indexed from, uint256 amount);
    event Posted(uint256 indexed number, bytes32 payouts, bytes32 balances, bytes32 records, uint256 inForceAt);
    event Struck(uint256 indexed number);
    event Claimed(address indexed account, uint256 amount, uint256 cumulative);
    event Frozen();
    event Exited(address indexed account, uint256 amount);
    event TakenBack(uint256 indexed number, uint256 amount);

    error NotThePoster();
    error NotTheGuardian();
    error IsFrozen();
    error NotFrozen();
    error NotWholeUnits();
    error SilenceTooShort();
    error NothingThere();
    error GoesBack();
    error NotCovered(uint256 owed, uint256 there);
    error TooLate();
    error NotSilent(uint256 until);
    error NoBatchInForce();
    error NotInBatch();
    error AlreadyDone();
    error WasSeen();

    constructor(address owner_, address poster_, address guardian_, IERC20 token_, uint256 unit_, uint64 delay, uint64 silence)
        Ownable(owner_)
    {
        // So that every batch is in force, or struck, when the vault freezes.
        if (silence <= delay) revert SilenceTooShort();
        token = token_;
        unit = unit_;
        delayBlocks = delay;
        silenceBlocks = silence;
        lastPosted = uint64(block.number);
        _setRoles(poster_, guardian_);
    }

    function setRoles(address poster_, address guardian_) external onlyOwner {
        _setRoles(poster_, guardian_);
    }

    // In

    /// @notice Pay in for an account of the network; credited there when the block is final.
    function deposit(address account, uint128 amount) external returns (uint256 number) {
        if (frozen) revert IsFrozen();
        if (amount == 0 || amount % unit != 0) revert NotWholeUnits();
        number = _deposits.length;
        _deposits.push(Deposit(account, msg.sender, amount, _depositedUpTo(number) + amount, false));
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Deposited(number, account, msg.sender, amount);
    }

    // Batches

    /// @notice Post what is paid and owed. Refused where the vault could not pay it.
    function post(Batch calldata batch) external returns (uint256 number) {
        if (msg.sender != poster) revert NotThePoster();
        if (frozen) revert IsFrozen();
        number = _batches.length;
        if (batch.depositsSeen > _deposits.length) revert NothingThere();
        // A struck batch may be said again otherwise; one that stands is only added to.
        (bool found, uint256 last) = _lastStanding();
        if (found) {
            Batch storage before = _batches[last];
            if (batch.depositsSeen < before.depositsSeen || batch.payoutsTotal < before.payoutsTotal) revert GoesBack();
        }
        if (batch.payoutsTotal < claimedTotal) revert GoesBack();
        uint256 owed = uint256(batch.payoutsTotal) - claimedTotal + batch.balancesTotal;
        uint256 unseen = _depositedUpTo(_deposits.length) - _depositedUpTo(batch.depositsSeen);
        uint256 there = token.balanceOf(address(this)) - unseen;
        if (owed > there) revert NotCovered(owed, there);
        _batches.push(batch);
        Batch storage posted = _batches[number];
        posted.inForceAt = uint64(block.number) + delayBlocks;
        posted.struck = false;
        lastPosted = uint64(block.number);
        emit Posted(number, batch.payouts, batch.balances, batch.records, posted.inForceAt);
    }

    /// @notice Say that a batch is wrong, before it is in force.
    function strike(uint256 number) external {
        if (msg.sender != guardian) revert NotTheGuardian();
        Batch storage batch = _batches[number];
        if (block.number >= batch.inForceAt) revert TooLate();
        if (batch.struck) revert AlreadyDone();
        batch.struck = true;
        emit Struck(number);
    }

    // Out

    /// @notice Pay an account what it was paid out since it last claimed. Anybody may call; the account is paid.
    function claim(address account, uint256 cumulative, bytes32[] calldata proof) external {
        Batch storage batch = _batches[lastInForce()];
        if (!MerkleProof.verifyCalldata(proof, batch.payouts, _leaf(account, cumulative))) revert NotInBatch();
        uint256 before = claimed[account];
        if (cumulative <= before) revert AlreadyDone();
        claimed[account] = cumulative;
        claimedTotal += uint128(cumulative - before);
        if (claimedTotal > batch.payoutsTotal) revert NotCovered(claimedTotal, batch.payoutsTotal);
        token.safeTransfer(account, cumulative - before);
        emit Claimed(account, cumulative - before, cumulative);
    }

    /// @notice Stop for good after a long silence. Anybody may.
    function freeze() external {
        if (frozen) revert IsFrozen();
        uint256 until = uint256(lastPosted) + silenceBlocks;
        if (block.number <= until) revert NotSilent(until);
        frozen = true;
        emit Frozen();
    }

    /// @notice Pay an account its balance of the last batch in force. Once, and only when frozen.
    function exit(address account, uint256 balance, bytes32[] calldata proof) external {
        if (!frozen) revert NotFrozen();
        if (left[account]) revert AlreadyDone();
        Batch storage batch = _batches[lastInForce()];
        if (!MerkleProof.verifyCalldata(proof, batch.balances, _leaf(account, balance))) revert NotInBatch();
        left[account] = true;
        exitedTotal += uint128(balance);
        if (exitedTotal > batch.balancesTotal) revert NotCovered(exitedTotal, batch.balancesTotal);
        token.safeTransfer(account, balance);
        emit Exited(account, balance);
    }

    /// @notice Give back a deposit that no batch in force has seen. Only when frozen.
    function takeBack(uint256 number) external {
        if (!frozen) revert NotFrozen();
        Deposit storage it = _deposits[number];
        (bool found, uint256 last) = _lastInForce();
        if (found && number < _batches[last].depositsSeen) revert WasSeen();
        if (it.takenBack) revert AlreadyDone();
        it.takenBack = true;
        token.safeTransfer(it.from, it.amount);
        emit TakenBack(number, it.amount);
    }

    // Seen

    function deposits() external view returns (uint256) {
        return _deposits.length;
    }

    function depositOf(uint256 number) external view returns (Deposit memory) {
        return _deposits[number];
    }

    function batches() external view returns (uint256) {
        return _batches.length;
    }

    function batchOf(uint256 number) external view returns (Batch memory) {
        return _batches[number];
    }

    /// @notice Number of the batch by which claims and exits go now.
    function lastInForce() public view returns (uint256 number) {
        bool found;
        (found, number) = _lastInForce();
        if (!found) revert NoBatchInForce();
    }

    function _lastInForce() private view returns (bool, uint256) {
        for (uint256 i = _batches.length; i > 0; --i) {
            Batch storage batch = _batches[i - 1];
            if (!batch.struck && block.number >= batch.inForceAt) return (true, i - 1);
        }
        return (false, 0);
    }

    function _lastStanding() private view returns (bool, uint256) {
        for (uint256 i = _batches.length; i > 0; --i) if (!_batches[i - 1].struck) return (true, i - 1);
        return (false, 0);
    }

    function _depositedUpTo(uint256 number) private view returns (uint128) {
        return number == 0 ? 0 : _deposits[number - 1].upTo;
    }

    function _setRoles(address poster_, address guardian_) private {
        poster = poster_;
        guardian = guardian_;
        emit RolesAre(poster_, guardian_);
    }

    function _leaf(address account, uint256 amount) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(account, amount))));
    }
}
