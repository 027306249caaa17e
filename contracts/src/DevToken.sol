// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token for local chains and tests: anybody mints
contract DevToken is ERC20("proofgrid development token", "DEV") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
