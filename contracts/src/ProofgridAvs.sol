// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAllocationManager, IAVSRegistrar, IStrategy, OperatorSet, SetToCreate, Slashing} from "./EigenLayer.sol";

/// @title The service of a proofgrid network in EigenLayer, and the registrar of its one operator set
/// @notice Operators join with stake of one strategy and name a hot key, which signs their results in the network.
/// The network's slasher only proposes; the owner may veto for `vetoBlocks`; after that anybody executes. A conviction
/// by the judge, which needs nobody's word, is executed at once and can't be vetoed.
/// @dev Amounts are base units of the strategy's token. EigenLayer slashes parts, which compound: the part is computed
/// when a slash is executed, and rounding takes up to stake / 1e18 too much. There is no proxy: what is deployed stays.
contract ProofgridAvs is IAVSRegistrar, Ownable2Step {
    enum State {
        Nothing,
        Proposed,
        Vetoed,
        Executed
    }

    struct Slash {
        address operator;
        State state;
        uint48 executableAt; // a block
        uint256 amount; // wanted
        uint256 taken; // of what was there
        bytes32 evidence; // root of the evidence's digests
    }

    struct Terms {
        IAllocationManager allocations;
        address strategy;
        uint32 vetoBlocks;
        uint32 periodBlocks;
        uint256 capPerPeriod; // of proposals, base units
        uint256 conviction; // what a conviction by the judge takes, base units
        address redistribution; // who gets what is slashed, where the core has that; 0: it is burnt
    }

    uint32 public constant SET = 0;
    uint256 private constant WAD = 1e18;

    IAllocationManager public immutable allocations;
    address public immutable strategy;
    uint32 public immutable vetoBlocks;
    uint32 public immutable periodBlocks;
    uint256 public immutable capPerPeriod;
    uint256 public immutable conviction;
    address public immutable redistribution;

    address public slasher;
    address public judge;
    /// @notice The hot key that signs for an operator now.
    mapping(address operator => address) public signerOf;
    /// @notice Whose a hot key is, for ever: what it once signed is still its operator's word.
    mapping(address signer => address) public operatorOf;
    mapping(uint256 period => uint256) public proposedIn;
    Slash[] private _slashes;

    event Opened(address judge);
    event SlasherIs(address slasher);
    event Joined(address indexed operator, address indexed signer);
    event SignerIs(address indexed operator, address indexed signer);
    event Left(address indexed operator);
    event Proposed(uint256 indexed id, address indexed operator, uint256 amount, bytes32 evidence, uint256 executableAt);
    event Vetoed(uint256 indexed id);
    event Executed(uint256 indexed id, address indexed operator, uint256 amount, uint256 taken, bytes32 evidence);

    error NotTheCore();
    error NotTheSlasher();
    error NotTheJudge();
    error NotAMember();
    error OtherSet();
    error AlreadyOpen();
    error SignerOfAnother(address operator);
    error SignerDidNotSign();
    error NothingToSlash();
    error NotSlashable();
    error AboveCap(uint256 left);
    error NotProposed(State state);
    error TooLate();
    error TooEarly(uint256 executableAt);

    constructor(address owner_, address slasher_, Terms memory terms) Ownable(owner_) {
        allocations = terms.allocations;
        strategy = terms.strategy;
        vetoBlocks = terms.vetoBlocks;
        periodBlocks = terms.periodBlocks;
        capPerPeriod = terms.capPerPeriod;
        conviction = terms.conviction;
        redistribution = terms.redistribution;
        slasher = slasher_;
        emit SlasherIs(slasher_);
    }

    /// @notice Make the operator set known to EigenLayer. Once; nobody can join before.
    function open(string calldata metadataURI, address judge_) external onlyOwner {
        if (judge != address(0)) revert AlreadyOpen();
        judge = judge_;
        allocations.updateAVSMetadataURI(address(this), metadataURI);
        allocations.setAVSRegistrar(address(this), address(this));
        SetToCreate[] memory sets = new SetToCreate[](1);
        sets[0] = SetToCreate(SET, _one(strategy));
        if (redistribution == address(0)) allocations.createOperatorSets(address(this), sets);
        else allocations.createRedistributingOperatorSets(address(this), sets, _one(redistribution));
        emit Opened(judge_);
    }

    /// @notice Tell EigenLayer's pages where to read about this service.
    function describe(string calldata metadataURI) external onlyOwner {
        allocations.updateAVSMetadataURI(address(this), metadataURI);
    }

    function setSlasher(address slasher_) external onlyOwner {
        slasher = slasher_;
        emit SlasherIs(slasher_);
    }

    // Operators

    /// @notice Called by the core when an operator joins; `data` is (hot key, its signature of `joinDigest`).
    function registerOperator(address operator, address avs, uint32[] calldata sets, bytes calldata data) external {
        _checkCore(avs, sets);
        address signer = _useSigner(operator, data);
        emit Joined(operator, signer);
    }

    /// @notice Called by the core when an operator leaves. Its stake stays slashable for the core's delay.
    function deregisterOperator(address operator, address avs, uint32[] calldata sets) external {
        _checkCore(avs, sets);
        emit Left(operator);
    }

    /// @notice Sign with another hot key from now on; `data` as when joining.
    function rotateSigner(bytes calldata data) external {
        if (!allocations.isMemberOfOperatorSet(msg.sender, _set())) revert NotAMember();
        emit SignerIs(msg.sender, _useSigner(msg.sender, data));
    }

    function supportsAVS(address avs) external view returns (bool) {
        return avs == address(this);
    }

    /// @notice What a hot key signs (EIP-191) to be an operator's.
    function joinDigest(address operator) public view returns (bytes32) {
        return keccak256(abi.encode("proofgrid join", block.chainid, address(this), operator));
    }

    // Slashes

    /// @notice Ask that `amount` be taken of an operator's stake. `evidence`: root of the digests of what shows why.
    function propose(address operator, uint256 amount, bytes32 evidence) external returns (uint256 id) {
        if (msg.sender != slasher) revert NotTheSlasher();
        uint256 period = block.number / periodBlocks;
        uint256 left = capPerPeriod - proposedIn[period];
        if (amount > left) revert AboveCap(left);
        proposedIn[period] += amount;
        return _add(operator, amount, evidence, block.number + vetoBlocks);
    }

    /// @notice Say that a proposal was wrong, before it can be executed.
    function veto(uint256 id) external onlyOwner {
        Slash storage slash = _slashes[id];
        if (slash.state != State.Proposed) revert NotProposed(slash.state);
        if (block.number >= slash.executableAt) revert TooLate();
        slash.state = State.Vetoed;
        emit Vetoed(id);
    }

    /// @notice Carry out a proposal that nobody vetoed in time. Anybody may.
    function execute(uint256 id) external {
        Slash storage slash = _slashes[id];
        if (slash.state != State.Proposed) revert NotProposed(slash.state);
        if (block.number < slash.executableAt) revert TooEarly(slash.executableAt);
        _execute(id, slash);
    }

    /// @notice Take what a conviction takes, at once. Only the judge, which looks at evidence and at nobody's word.
    function convict(address operator, bytes32 evidence) external returns (uint256 id) {
        if (msg.sender != judge) revert NotTheJudge();
        id = _add(operator, conviction, evidence, block.number);
        _execute(id, _slashes[id]);
    }

    function slashes() external view returns (uint256) {
        return _slashes.length;
    }

    function slashOf(uint256 id) external view returns (Slash memory) {
        return _slashes[id];
    }

    /// @notice What could be taken of an operator's stake now, in base units; also of one that is leaving.
    function slashable(address operator) public view returns (uint256) {
        if (!allocations.isOperatorSlashable(operator, _set())) return 0;
        return IStrategy(strategy).sharesToUnderlyingView(_shares(operator, uint32(block.number)));
    }

    /// @notice What a member's stake stands for at a later block; 0 of whoever is no member.
    function stakeAt(address operator, uint32 futureBlock) external view returns (uint256) {
        if (!allocations.isMemberOfOperatorSet(operator, _set())) return 0;
        return IStrategy(strategy).sharesToUnderlyingView(_shares(operator, futureBlock));
    }

    function _add(address operator, uint256 amount, bytes32 evidence, uint256 executableAt) private returns (uint256 id) {
        if (amount == 0) revert NothingToSlash();
        if (!allocations.isOperatorSlashable(operator, _set())) revert NotSlashable();
        id = _slashes.length;
        _slashes.push(Slash(operator, State.Proposed, uint48(executableAt), amount, 0, evidence));
        emit Proposed(id, operator, amount, evidence, executableAt);
    }

    function _execute(uint256 id, Slash storage slash) private {
        slash.state = State.Executed; // before anybody else is called
        uint256 before = slashable(slash.operator);
        uint256 taken = 0;
        if (before > 0) {
            uint256 wad = slash.amount >= before ? WAD : Math.mulDiv(slash.amount, WAD, before, Math.Rounding.Ceil);
            uint256[] memory wads = new uint256[](1);
            wads[0] = wad;
            allocations.slashOperator(
                address(this), Slashing(slash.operator, SET, _one(strategy), wads, "proofgrid: see the evidence's root")
            );
            taken = before - slashable(slash.operator);
        }
        slash.taken = taken;
        emit Executed(id, slash.operator, slash.amount, taken, slash.evidence);
    }

    function _useSigner(address operator, bytes calldata data) private returns (address signer) {
        bytes memory signature;
        (signer, signature) = abi.decode(data, (address, bytes));
        address whose = operatorOf[signer];
        if (whose != address(0) && whose != operator) revert SignerOfAnother(whose);
        bytes32 signed = MessageHashUtils.toEthSignedMessageHash(joinDigest(operator));
        if (ECDSA.recover(signed, signature) != signer) revert SignerDidNotSign();
        operatorOf[signer] = operator;
        signerOf[operator] = signer;
    }

    function _checkCore(address avs, uint32[] calldata sets) private view {
        if (msg.sender != address(allocations)) revert NotTheCore();
        if (avs != address(this) || sets.length != 1 || sets[0] != SET) revert OtherSet();
    }

    function _shares(address operator, uint32 futureBlock) private view returns (uint256) {
        return allocations.getMinimumSlashableStake(_set(), _one(operator), _one(strategy), futureBlock)[0][0];
    }

    function _set() private view returns (OperatorSet memory) {
        return OperatorSet(address(this), SET);
    }

    function _one(address it) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = it;
    }
}
