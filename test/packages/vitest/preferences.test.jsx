import { act, render, screen } from '@testing-library/react';
import { createEncryptedStorage, DataClassification } from 'idbvault';
